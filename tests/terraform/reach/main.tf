# How contacts come in, what they meet, and where it is kept.

locals {
  id       = aws_connect_instance.center.id
  function = "arn:aws:lambda:us-east-1:123456789012:function:${var.changed ? "newer" : "older"}"
  key      = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

  flow = jsonencode({
    Version     = "2019-10-30"
    StartAction = "greet"
    Actions = [
      {
        Identifier = "greet"
        Type       = "MessageParticipant"
        Parameters = { Text = local.wording }
        Transitions = {
          NextAction = "bye"
          Errors     = [{ NextAction = "bye", ErrorType = "NoMatchingError" }]
          Conditions = []
        }
      },
      {
        Identifier  = "bye"
        Type        = "DisconnectParticipant"
        Parameters  = {}
        Transitions = {}
      },
    ]
  })
}

resource "aws_connect_contact_flow" "greeting" {
  instance_id = local.id
  name        = var.changed ? "Welcome" : "Greeting"
  description = local.wording
  type        = "CONTACT_FLOW"
  content     = local.flow
  tags        = local.tags
}

resource "aws_connect_contact_flow_module" "farewell" {
  instance_id = local.id
  name        = var.changed ? "Farewell" : "Goodbye"
  description = local.wording
  tags        = local.tags

  content = jsonencode({
    Version     = "2019-10-30"
    StartAction = "say"
    Actions = [
      {
        Identifier = "say"
        Type       = "MessageParticipant"
        Parameters = { Text = local.wording }
        Transitions = {
          NextAction = "end"
          Errors     = [{ NextAction = "end", ErrorType = "NoMatchingError" }]
          Conditions = []
        }
      },
      {
        Identifier  = "end"
        Type        = "DisconnectParticipant"
        Parameters  = {}
        Transitions = {}
      },
    ]
    Settings = { InputParameters = [], OutputParameters = [], Transitions = [] }
  })
}

resource "aws_connect_phone_number" "own" {
  target_arn   = aws_connect_instance.center.arn
  country_code = "US"
  type         = "DID"
  description  = "Another description is another number, and this one is in use."
  tags         = local.tags
}

resource "aws_connect_quick_connect" "taxi" {
  instance_id = local.id
  name        = var.changed ? "Cab" : "Taxi"
  description = local.wording
  tags        = local.tags

  quick_connect_config {
    quick_connect_type = "PHONE_NUMBER"
    phone_config {
      phone_number = var.changed ? "+12065550101" : "+12065550100"
    }
  }
}

resource "aws_connect_quick_connect" "desk" {
  instance_id = local.id
  name        = "Front desk"

  quick_connect_config {
    quick_connect_type = "QUEUE"
    queue_config {
      contact_flow_id = data.aws_connect_contact_flow.transfer.contact_flow_id
      queue_id        = data.aws_connect_queue.basic.queue_id
    }
  }
}

resource "aws_connect_queue" "callers" {
  instance_id           = local.id
  name                  = "Callers"
  hours_of_operation_id = data.aws_connect_queue.basic.hours_of_operation_id
  quick_connect_ids = concat(
    [aws_connect_quick_connect.desk.quick_connect_id],
    var.changed ? [aws_connect_quick_connect.taxi.quick_connect_id] : [],
  )

  outbound_caller_config {
    outbound_caller_id_number_id = aws_connect_phone_number.own.id
  }
}

resource "aws_connect_instance_storage_config" "recordings" {
  instance_id   = local.id
  resource_type = "CALL_RECORDINGS"

  storage_config {
    storage_type = "S3"
    s3_config {
      bucket_name   = "recordings"
      bucket_prefix = var.changed ? "newer" : "older"

      encryption_config {
        encryption_type = "KMS"
        key_id          = local.key
      }
    }
  }
}

resource "aws_connect_instance_storage_config" "records" {
  instance_id   = local.id
  resource_type = "CONTACT_TRACE_RECORDS"

  storage_config {
    storage_type = "KINESIS_STREAM"
    kinesis_stream_config {
      stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/${var.changed ? "newer" : "older"}"
    }
  }
}

resource "aws_connect_instance_storage_config" "events" {
  instance_id   = local.id
  resource_type = "AGENT_EVENTS"

  storage_config {
    storage_type = "KINESIS_STREAM"
    kinesis_stream_config {
      stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
    }
  }
}

resource "aws_connect_instance_storage_config" "media" {
  instance_id   = local.id
  resource_type = "MEDIA_STREAMS"

  storage_config {
    storage_type = "KINESIS_VIDEO_STREAM"
    kinesis_video_stream_config {
      prefix                 = "media"
      retention_period_hours = var.changed ? 4 : 3

      encryption_config {
        encryption_type = "KMS"
        key_id          = local.key
      }
    }
  }
}

resource "aws_connect_lambda_function_association" "lookup" {
  instance_id  = local.id
  function_arn = local.function
}

resource "aws_connect_bot_association" "orders" {
  instance_id = local.id

  lex_bot {
    name       = var.changed ? "Orders" : "Order"
    lex_region = "us-east-1"
  }
}

resource "aws_connect_vocabulary" "products" {
  instance_id   = local.id
  name          = var.changed ? "Goods" : "Products"
  language_code = "en-US"
  content       = "Phrase\tIPA\tSoundsLike\tDisplayAs\nRing-floor\t\t\tRingfloor"
  tags          = local.tags
}

data "aws_connect_contact_flow" "transfer" {
  instance_id = local.id
  name        = "Default queue transfer"
}

data "aws_connect_contact_flow" "greeting" {
  instance_id     = local.id
  contact_flow_id = aws_connect_contact_flow.greeting.contact_flow_id
}

data "aws_connect_contact_flow_module" "farewell" {
  instance_id = local.id
  name        = aws_connect_contact_flow_module.farewell.name
}

data "aws_connect_prompt" "beep" {
  instance_id = local.id
  name        = "Beep.wav"
}

data "aws_connect_queue" "basic" {
  instance_id = local.id
  name        = "BasicQueue"
}

data "aws_connect_quick_connect" "taxi" {
  instance_id = local.id
  name        = aws_connect_quick_connect.taxi.name
}

data "aws_connect_instance_storage_config" "recordings" {
  instance_id    = local.id
  resource_type  = "CALL_RECORDINGS"
  association_id = aws_connect_instance_storage_config.recordings.association_id
}

data "aws_connect_lambda_function_association" "lookup" {
  instance_id  = local.id
  function_arn = aws_connect_lambda_function_association.lookup.function_arn
}

data "aws_connect_bot_association" "orders" {
  instance_id = local.id

  lex_bot {
    name       = aws_connect_bot_association.orders.lex_bot[0].name
    lex_region = "us-east-1"
  }
}

data "aws_connect_vocabulary" "products" {
  instance_id = local.id
  name        = aws_connect_vocabulary.products.name
}
