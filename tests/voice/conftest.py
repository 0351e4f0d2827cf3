"""Voice: helpers whose assertions are told as those of tests are."""

import pytest

pytest.register_assert_rewrite("voice.scenario", "voice.center", "voice.agents_page")
