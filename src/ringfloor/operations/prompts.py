"""Prompts: the file of one. How they are made and changed: operations.crud and updates."""

from ringfloor.base.errors import not_found
from ringfloor.engine.effects import SOUND
from ringfloor.operations.context import Context
from ringfloor.operations.downloads import Download, address
from ringfloor.operations.kinds import located, modified
from ringfloor.operations.registry import Params, Result, operation


@operation("GetPromptFile")
async def get_prompt_file(context: Context, params: Params) -> Result:
    """Where the prompt's sound can be had, as callers hear it: 8 kHz, mono, 16 bit."""
    center = context.desk(params.InstanceId).center
    depot = context.service.depot

    def question() -> Result:
        prompt = located(center, "prompt", "PromptId", params)
        sound = prompt.properties.get(SOUND, "")
        if depot is None or depot.sounds.find(sound) is None:
            raise not_found("PromptId", params.PromptId, "recording of this prompt")
        name = prompt.name if prompt.name.lower().endswith(".wav") else f"{prompt.name}.wav"
        download = Download("sound", sound, saved_as=name)
        return {"PromptPresignedUrl": address(context, download), **modified(center, prompt)}

    return await context.read(question)
