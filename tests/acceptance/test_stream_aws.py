"""Kinesis, Firehose and EventBridge, through boto3 to a stand-in that dies and returns."""

import json
import socket
import threading
import warnings

import boto3
import pytest

from acceptance.center import FirstCenter
from acceptance.conftest import REGION

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # those of its own dependencies
    from moto.server import ThreadedMotoServer

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOFMOTO", "AWS_SECRET_ACCESS_KEY": "secret"}
ACCOUNT = "123456789012"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/"
DELIVERY = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/"
LIFE = [
    "INITIATED",
    "CONNECTED_TO_SYSTEM",
    "QUEUED",
    "CONNECTED_TO_AGENT",
    "DISCONNECTED",
    "COMPLETED",
]


class Cloud:
    """moto on a port of its own; what it keeps outlives its server."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self.server.start()

    def stop(self):
        self.server.stop()

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def stream(self, name, shards=4):
        self.client("kinesis").create_stream(StreamName=name, ShardCount=shards)
        return {
            "StorageType": "KINESIS_STREAM",
            "KinesisStreamConfig": {"StreamArn": STREAM + name},
        }

    def records(self, name):
        """Of all shards: partition keys and data."""
        kinesis, found = self.client("kinesis"), []
        for shard in kinesis.list_shards(StreamName=name)["Shards"]:
            iterator = kinesis.get_shard_iterator(
                StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            records = kinesis.get_records(ShardIterator=iterator)["Records"]
            found += [(each["PartitionKey"], json.loads(each["Data"])) for each in records]
        return found


@pytest.fixture
def cloud():
    stand_in = Cloud()
    yield stand_in
    stand_in.stop()


def endpoints(cloud, *services):
    return [
        option
        for each in services or ("kinesis", "firehose", "events")
        for option in (f"--{each}-endpoint", cloud.address)
    ]


def sandbox(start, *options):
    wanted = ("--memory", "--sandbox", "--clock", "virtual", *options)
    return FirstCenter(start(*wanted, environment=KEYS))


def one_call(center):
    contact = center.dial()
    for deed in ("available", "accept", "hangup", "complete"):
        center.act(deed)
    return contact


def until(found, *, tries=600):
    event = threading.Event()
    for _ in range(tries):
        if value := found():
            return value
        event.wait(0.02)
    pytest.fail("never delivered")


def test_what_an_instance_names_as_its_store_is_told_at_once_until_it_is_taken_away(start, cloud):
    records, agents = cloud.stream("records"), cloud.stream("agents")
    center = sandbox(start, *endpoints(cloud, "kinesis"))
    one_call(center)
    of = {"InstanceId": center.instance}
    stored = center.connect.associate_instance_storage_config(
        **of, ResourceType="CONTACT_TRACE_RECORDS", StorageConfig=records
    )["AssociationId"]
    center.connect.associate_instance_storage_config(
        **of, ResourceType="AGENT_EVENTS", StorageConfig=agents
    )
    told = [one_call(center), one_call(center)]
    found = until(lambda: len(each := cloud.records("records")) >= 2 and each)
    assert {key: record["ContactId"] for key, record in found} == {each: each for each in told}
    states = until(lambda: cloud.records("agents"))
    assert {key for key, _ in states} == {center.agent}
    assert {event["AgentARN"].rpartition("/")[2] for _, event in states} == {center.agent}
    center.connect.disassociate_instance_storage_config(
        **of, AssociationId=stored, ResourceType="CONTACT_TRACE_RECORDS"
    )
    before = len(cloud.records("agents"))
    one_call(center)
    until(lambda: len(cloud.records("agents")) > before)
    assert len(cloud.records("records")) == 2


def test_a_service_that_dies_and_returns_is_told_everything_in_order(start, cloud):
    cloud.stream("events", shards=1)
    center = sandbox(
        start,
        *endpoints(cloud, "kinesis"),
        *("--stream", "contact-events=kinesis://events"),
    )
    first = one_call(center)
    until(lambda: len(cloud.records("events")) == len(LIFE))
    cloud.stop()
    second, third = one_call(center), one_call(center)
    until(lambda: "stream contact-events: not taken" in center.server.log())
    cloud.start()
    found = until(lambda: len(each := cloud.records("events")) >= 3 * len(LIFE) and each)
    for contact in (first, second, third):
        kinds = [event["detail"]["eventType"] for key, event in found if key == contact]
        assert kinds == LIFE
    assert len({event["id"] for _, event in found}) == len(found)


def test_firehose_has_a_line_for_each_record(start, cloud):
    cloud.client("s3").create_bucket(Bucket="lake")
    cloud.client("firehose").create_delivery_stream(
        DeliveryStreamName="records",
        S3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/firehose",
            "BucketARN": "arn:aws:s3:::lake",
        },
    )
    center = sandbox(start, *endpoints(cloud, "firehose"))
    store = {
        "StorageType": "KINESIS_FIREHOSE",
        "KinesisFirehoseConfig": {"FirehoseArn": DELIVERY + "records"},
    }
    center.connect.associate_instance_storage_config(
        InstanceId=center.instance, ResourceType="CONTACT_TRACE_RECORDS", StorageConfig=store
    )
    told = [one_call(center), one_call(center)]
    lake = cloud.client("s3")

    def lines():
        keys = [each["Key"] for each in lake.list_objects_v2(Bucket="lake").get("Contents", ())]
        bodies = [lake.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys]
        found = [json.loads(line)["ContactId"] for line in b"".join(bodies).splitlines()]
        return len(found) == 2 and found

    assert set(until(lines)) == set(told)


def test_a_bus_is_told_contact_events_as_aws_tells_them(start, cloud):
    events, logs = cloud.client("events"), cloud.client("logs")
    logs.create_log_group(logGroupName="/bus")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.connect"]}))
    target = {"Id": "1", "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/bus"}
    events.put_targets(Rule="all", Targets=[target])
    center = sandbox(
        start,
        *endpoints(cloud, "events"),
        *("--stream", "contact-events=eventbridge://default"),
    )
    contact = one_call(center)

    def heard():
        found = logs.filter_log_events(logGroupName="/bus")["events"]
        return len(found) >= len(LIFE) and [json.loads(each["message"]) for each in found]

    told = until(heard)
    assert {each["detail"]["eventType"] for each in told} == set(LIFE)
    for each in told:
        assert each["detail-type"] == "Amazon Connect Contact Event"
        assert each["source"] == "aws.connect"
        assert each["detail"]["contactId"] == contact
        assert [arn.rpartition("/")[2] for arn in each["resources"]] == [contact, center.instance]


def test_a_store_that_is_no_stream_of_its_type_is_refused(server):
    center = FirstCenter(server)
    for kind, member, arn in (
        ("KINESIS_STREAM", "StreamArn", DELIVERY + "records"),
        ("KINESIS_FIREHOSE", "FirehoseArn", STREAM + "records"),
    ):
        config = "KinesisStreamConfig" if kind == "KINESIS_STREAM" else "KinesisFirehoseConfig"
        with pytest.raises(center.connect.exceptions.ClientError, match=member):
            center.connect.associate_instance_storage_config(
                InstanceId=center.instance,
                ResourceType="AGENT_EVENTS",
                StorageConfig={"StorageType": kind, config: {member: arn}},
            )
