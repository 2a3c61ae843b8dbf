"""The ways of OpenReplay's documentation, beside this package: they go on working, and what each misses."""

from __future__ import annotations

from .hooked import SESSION, TAG, Ran

# In our own words: print a new exception of the same type, whose text has the tag before it.
_PATCH = f"""
printing = traceback.print_exception
def tagged_printing(kind, value=None, tb=None, **rest):
    if not isinstance(kind, type):
        kind, value, tb = type(kind), kind, kind.__traceback__
    again = kind('[openReplaySession.id={SESSION}] ' + str(value))
    printing(kind, again, tb)
traceback.print_exception = tagged_printing
"""
_FILTER = f"""
class Filter(logging.Filter):
    def filter(self, record):
        record.msg = '[openReplaySession.id={SESSION}] ' + str(record.msg)
        return True
handler = logging.StreamHandler(sys.stdout)
logging.getLogger().addHandler(handler)
logging.getLogger('shop').addFilter(Filter())
"""
_OFF = "instrumentor.uninstrument()\n"
_CAUSE = (
    "try:\n    try: 1 / 0\n"
    "    except ZeroDivisionError as inner: raise ValueError('outer') from inner\n"
    "except ValueError as error: traceback.print_exception(error)\n"
)
_ODD = (
    "class Odd(Exception):\n    def __init__(self, code, text): super().__init__(code, text)\n"
    "try:\n    raise Odd(1, 'x')\nexcept Odd as error:\n    traceback.print_exception(error)\n"
)


def test_the_patch_beside_ours_prints_one_tag() -> None:
    """Both are there: the line has the tag once, and the record is made."""
    ran = Ran(
        f"{_PATCH}with use_session(SESSION):\n    try: 1 / 0\n    except ZeroDivisionError: traceback.print_exc()\n"
    )
    assert 1 == ran.err.count(TAG)


def test_the_patch_alone_loses_the_cause_and_fails_on_other_arguments() -> None:
    """It rebuilds the exception: ours does not, and both stay whole."""
    alone = Ran(_OFF + _PATCH + _CAUSE)
    assert "division by zero" not in alone.err
    assert "missing 1 required positional argument" in Ran(_OFF + _PATCH + _ODD, status=1).err
    indented = "\n".join("    " + line for line in (_CAUSE + _ODD).splitlines())
    ours = Ran(f"with use_session(SESSION):\n{indented}\n")
    assert "division by zero" in ours.err
    assert f"Odd: {TAG}(1, 'x')" in ours.err


def test_the_filter_beside_ours_gives_one_tag() -> None:
    """The record has it once, and the line of the handler as the filter made it."""
    ran = Ran(
        f"{_FILTER}with use_session(SESSION):\n    logging.getLogger('shop').warning('low')\n"
    )
    assert [[SESSION, f"{TAG}low", None]] == ran.records
    assert f"{TAG}low\n" == ran.out


def test_the_filter_alone_misses_children_and_attributes() -> None:
    """A filter of a logger is not asked for its children's records; ours stamps every one."""
    log = "logging.getLogger('shop.orders').warning('child')\n"
    alone = Ran(_OFF + _FILTER + log)
    assert [[None, "child", None]] == alone.records
    ours = Ran(f"{_FILTER}with use_session(SESSION):\n    {log}")
    assert [[SESSION, f"{TAG}child", None]] == ours.records
