"""End-to-end tests over real processes. What serves the tests asserts as they do, in full words."""

import pytest

pytest.register_assert_rewrite("tests.e2e.counter", "tests.e2e.house", "tests.e2e.wire")
