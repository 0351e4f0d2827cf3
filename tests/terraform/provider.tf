# Every configuration beside this one is applied, planned, changed (changed = true), planned and
# destroyed by tests/acceptance/test_terraform.py against a running server.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "address" {
  type = string
}

variable "alias" {
  type = string
}

variable "changed" {
  type    = bool
  default = false
}

locals {
  wording = var.changed ? "what it became" : "what it was"
  tags    = var.changed ? { team = "blue", shift = "night" } : { team = "red" }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  endpoints {
    connect = var.address
  }
}

resource "aws_connect_instance" "center" {
  identity_management_type       = "CONNECT_MANAGED"
  instance_alias                 = var.alias
  inbound_calls_enabled          = true
  outbound_calls_enabled         = !var.changed
  contact_flow_logs_enabled      = var.changed
  contact_lens_enabled           = true
  early_media_enabled            = true
  multi_party_conference_enabled = var.changed
  tags                           = local.tags
}

data "aws_connect_instance" "by_alias" {
  instance_alias = aws_connect_instance.center.instance_alias
}
