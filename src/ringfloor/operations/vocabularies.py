"""Vocabularies: which one is a language's default, and the search that lists them.

A vocabulary is a resource (operations.kinds). A default is one too: named by its language, it names
its vocabulary, which therefore cannot be deleted meanwhile. Nothing transcribes speech here yet.
"""

from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.commands import Command, CreateResource, DeleteResource, UpdateResource
from ringfloor.domain.resources import Properties
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.kinds import BY_KIND, chosen, face
from ringfloor.operations.registry import Params, Result, operation

DEFAULT = "default_vocabulary"


@operation("SearchVocabularies")
async def search_vocabularies(context: Context, params: Params) -> Result:
    """By the beginning of the name, language and state; ordered by name."""
    center = context.desk(params.InstanceId).center
    row = BY_KIND["vocabulary"]
    members = context.operation.members(row.summary)
    wanted = {
        name: value
        for name in ("LanguageCode", "State")
        if (value := getattr(params, name)) is not None
    }

    def question() -> Result:
        rows = sorted(
            ((each.name, each.id), chosen(members, face(row, center, each)))
            for each in center.resources["vocabulary"].values()
            if each.name.startswith(params.NameStartsWith or "")
            and wanted.items() <= each.properties.items()
        )
        return context.page(params, row.summary, rows, LIST_ROWS_DEFAULT)

    return await context.read(question)


@operation("AssociateDefaultVocabulary")
async def associate_default_vocabulary(context: Context, params: Params) -> Result:
    """From now on this is the language's default; without an id it has none."""
    desk = context.desk(params.InstanceId)
    center, language = desk.center, params.LanguageCode
    found = await context.read(lambda: center.names[DEFAULT].get(language))
    command: Command
    if params.VocabularyId:
        wanted = identifier(center.home, "vocabulary", params.VocabularyId, "VocabularyId")
        if found is None:
            properties: Properties = {"LanguageCode": language, "VocabularyId": wanted}
            command = CreateResource(kind=DEFAULT, properties=properties)
        else:
            command = UpdateResource(DEFAULT, found, {"VocabularyId": wanted})
    elif found is not None:
        command = DeleteResource(DEFAULT, found)
    else:
        return {}
    await context.submit(desk, command)
    return {}


@operation("ListDefaultVocabularies")
async def list_default_vocabularies(context: Context, params: Params) -> Result:
    """The defaults, by language."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        rows = []
        for language, each in sorted(center.names[DEFAULT].items()):
            if params.LanguageCode not in (None, language):
                continue
            vocabulary = center.resources[DEFAULT][each].properties["VocabularyId"]
            shown = {
                "InstanceId": center.home.instance_id,
                "LanguageCode": language,
                "VocabularyId": vocabulary,
                "VocabularyName": center.resources["vocabulary"][vocabulary].name,
            }
            rows.append(((language,), shown))
        return context.page(params, "DefaultVocabularyList", rows, LIST_ROWS_DEFAULT)

    return await context.read(question)
