# Who works, when, and on what.

locals {
  id = aws_connect_instance.center.id
}

resource "aws_connect_hours_of_operation" "office" {
  instance_id = local.id
  name        = "Office${var.changed ? "s" : ""}"
  description = local.wording
  time_zone   = var.changed ? "Europe/Berlin" : "America/New_York"
  tags        = local.tags

  dynamic "config" {
    for_each = var.changed ? ["MONDAY", "TUESDAY", "FRIDAY"] : ["MONDAY"]
    content {
      day = config.value
      start_time {
        hours   = 8
        minutes = 30
      }
      end_time {
        hours   = 17
        minutes = 0
      }
    }
  }
}

resource "aws_connect_queue" "sales" {
  instance_id           = local.id
  name                  = var.changed ? "Sales and returns" : "Sales"
  description           = local.wording
  hours_of_operation_id = aws_connect_hours_of_operation.office.hours_of_operation_id
  max_contacts          = var.changed ? 7 : 5
  status                = var.changed ? "DISABLED" : "ENABLED"
  tags                  = local.tags

  outbound_caller_config {
    outbound_caller_id_name = local.wording
  }
}

resource "aws_connect_queue" "support" {
  instance_id           = local.id
  name                  = "Support"
  hours_of_operation_id = aws_connect_hours_of_operation.office.hours_of_operation_id
}

resource "aws_connect_routing_profile" "sellers" {
  instance_id               = local.id
  name                      = var.changed ? "Senior sellers" : "Sellers"
  description               = local.wording
  default_outbound_queue_id = var.changed ? aws_connect_queue.support.queue_id : aws_connect_queue.sales.queue_id
  tags                      = local.tags

  media_concurrencies {
    channel     = "VOICE"
    concurrency = 1
  }

  media_concurrencies {
    channel     = "CHAT"
    concurrency = var.changed ? 4 : 2
  }

  queue_configs {
    channel  = "VOICE"
    delay    = 0
    priority = var.changed ? 3 : 1
    queue_id = aws_connect_queue.sales.queue_id
  }

  dynamic "queue_configs" {
    for_each = var.changed ? ["CHAT", "VOICE"] : ["CHAT"]
    content {
      channel  = queue_configs.value
      delay    = 10
      priority = 2
      queue_id = aws_connect_queue.support.queue_id
    }
  }
}

resource "aws_connect_security_profile" "trainees" {
  instance_id = local.id
  name        = "Trainees"
  description = local.wording
  permissions = var.changed ? ["BasicAgentAccess"] : ["BasicAgentAccess", "OutboundCallAccess"]
  tags        = local.tags
}

resource "aws_connect_user_hierarchy_structure" "levels" {
  instance_id = local.id

  hierarchy_structure {
    level_one {
      name = var.changed ? "Continent" : "Region"
    }
    level_two {
      name = "Site"
    }
    dynamic "level_three" {
      for_each = var.changed ? ["Team"] : []
      content {
        name = level_three.value
      }
    }
  }
}

resource "aws_connect_user_hierarchy_group" "west" {
  instance_id = local.id
  name        = var.changed ? "Far west" : "West"
  tags        = local.tags
  depends_on  = [aws_connect_user_hierarchy_structure.levels]
}

resource "aws_connect_user_hierarchy_group" "seattle" {
  instance_id     = local.id
  name            = "Seattle"
  parent_group_id = aws_connect_user_hierarchy_group.west.hierarchy_group_id
}

resource "aws_connect_user" "ann" {
  instance_id          = local.id
  name                 = "ann"
  password             = "Ringfloor1"
  routing_profile_id   = aws_connect_routing_profile.sellers.routing_profile_id
  security_profile_ids = [var.changed ? data.aws_connect_security_profile.agent.security_profile_id : aws_connect_security_profile.trainees.security_profile_id]
  hierarchy_group_id   = var.changed ? aws_connect_user_hierarchy_group.west.hierarchy_group_id : aws_connect_user_hierarchy_group.seattle.hierarchy_group_id
  tags                 = local.tags

  identity_info {
    first_name = "Ann"
    last_name  = var.changed ? "Agent" : "Beginner"
    email      = "ann@example.com"
  }

  phone_config {
    phone_type                    = var.changed ? "DESK_PHONE" : "SOFT_PHONE"
    desk_phone_number             = var.changed ? "+12065550100" : null
    auto_accept                   = !var.changed
    after_contact_work_time_limit = var.changed ? 30 : 0
  }
}

data "aws_connect_security_profile" "agent" {
  instance_id = local.id
  name        = "Agent"
}

data "aws_connect_hours_of_operation" "basic" {
  instance_id = local.id
  name        = "Basic Hours"
}

data "aws_connect_hours_of_operation" "office" {
  instance_id           = local.id
  hours_of_operation_id = aws_connect_hours_of_operation.office.hours_of_operation_id
}

data "aws_connect_queue" "basic" {
  instance_id = local.id
  name        = "BasicQueue"
}

data "aws_connect_queue" "sales" {
  instance_id = local.id
  queue_id    = aws_connect_queue.sales.queue_id
}

data "aws_connect_routing_profile" "basic" {
  instance_id = local.id
  name        = "Basic Routing Profile"
}

data "aws_connect_routing_profile" "sellers" {
  instance_id        = local.id
  routing_profile_id = aws_connect_routing_profile.sellers.routing_profile_id
}

data "aws_connect_user_hierarchy_structure" "levels" {
  instance_id = aws_connect_user_hierarchy_structure.levels.instance_id
}

data "aws_connect_user_hierarchy_group" "seattle" {
  instance_id = local.id
  name        = aws_connect_user_hierarchy_group.seattle.name
}

data "aws_connect_user" "by_name" {
  instance_id = local.id
  name        = aws_connect_user.ann.name
}

data "aws_connect_user" "by_id" {
  instance_id = local.id
  user_id     = aws_connect_user.ann.user_id
}

output "queue" {
  value = data.aws_connect_queue.sales.max_contacts
}
