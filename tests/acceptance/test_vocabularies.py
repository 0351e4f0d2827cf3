"""Custom vocabularies and the defaults of languages, with boto3."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter

CONTENT = "Phrase\tIPA\tSoundsLike\tDisplayAs\nRingfloor\t\tring-floor\tRingfloor\n"


@pytest.fixture(scope="module")
def center(server) -> FirstCenter:
    return FirstCenter(server)


def create(center: FirstCenter, name: str, content: str = CONTENT, **more) -> dict:
    return center.connect.create_vocabulary(
        InstanceId=center.instance,
        VocabularyName=name,
        LanguageCode="en-US",
        Content=content,
        **more,
    )


def code(call, **parameters) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_a_vocabulary_and_the_default_of_its_language(center):
    connect, instance = center.connect, center.instance
    made = create(center, "Products", Tags={"team": "a"})
    assert made["State"] == "ACTIVE"
    at = {"InstanceId": instance, "VocabularyId": made["VocabularyId"]}
    described = connect.describe_vocabulary(**at)["Vocabulary"]
    assert described["Arn"] == made["VocabularyArn"]
    assert (described["Name"], described["Content"]) == ("Products", CONTENT)
    assert described["Tags"] == {"team": "a"}
    assert code(create, center=center, name="Products") == "ResourceConflictException"

    language = {"InstanceId": instance, "LanguageCode": "en-US"}
    connect.associate_default_vocabulary(**language, VocabularyId=made["VocabularyId"])
    other = create(center, "Places")["VocabularyId"]
    connect.associate_default_vocabulary(**language, VocabularyId=other)
    listed = connect.list_default_vocabularies(InstanceId=instance)["DefaultVocabularyList"]
    assert [(each["LanguageCode"], each["VocabularyName"]) for each in listed] == [
        ("en-US", "Places")
    ]
    in_use = {"InstanceId": instance, "VocabularyId": other}
    assert code(connect.delete_vocabulary, **in_use) == "ResourceInUseException"
    connect.associate_default_vocabulary(**language)
    connect.associate_default_vocabulary(**language)
    assert connect.list_default_vocabularies(InstanceId=instance)["DefaultVocabularyList"] == []
    nobody = {**language, "VocabularyId": "00000000-0000-4000-8000-000000000000"}
    assert code(connect.associate_default_vocabulary, **nobody) == "ResourceNotFoundException"

    gone = connect.delete_vocabulary(**in_use)
    assert (gone["VocabularyId"], gone["State"]) == (other, "DELETE_IN_PROGRESS")
    assert code(connect.describe_vocabulary, **in_use) == "ResourceNotFoundException"


def test_search(center):
    connect, instance = center.connect, center.instance
    for name in ("search one", "search two"):
        create(center, name)
    create(center, "search broken", "Phrase,IPA\n")

    def found(**wanted) -> list[str]:
        answer = connect.search_vocabularies(InstanceId=instance, NameStartsWith="search", **wanted)
        return [each["Name"] for each in answer["VocabularySummaryList"]]

    assert found() == ["search broken", "search one", "search two"]
    assert found(State="ACTIVE", LanguageCode="en-US") == ["search one", "search two"]
    assert found(LanguageCode="de-DE") == []
    first = connect.search_vocabularies(InstanceId=instance, NameStartsWith="search", MaxResults=1)
    second = connect.search_vocabularies(
        InstanceId=instance, NameStartsWith="search", MaxResults=1, NextToken=first["NextToken"]
    )
    assert [each["Name"] for each in second["VocabularySummaryList"]] == ["search one"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Phrase,IPA\n", "The first line"),
        (CONTENT + "two\tcolumns\n", "Line 3"),
        (CONTENT + "\t\t\tnone\n", "Line 3"),
    ],
)
def test_a_table_that_is_none_says_why(center, content, reason):
    made = create(center, f"broken {content[-12:-1]}".replace("\t", "-").replace(",", "-"), content)
    assert made["State"] == "CREATION_FAILED"
    described = center.connect.describe_vocabulary(
        InstanceId=center.instance, VocabularyId=made["VocabularyId"]
    )["Vocabulary"]
    assert described["FailureReason"].startswith(reason)
