"""The command: arguments in, text out, an exit code; the only room that prints or exits.

Exit codes: 0 conforms; 1 findings at or above `--fail-on`; 2 the run itself is not to be trusted.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

from lwlint import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOT_TRUSTED = 2
RULE_BROKEN = "lwlint: a rule is broken, by a defect of lwlint or of the rule's own check; the answer is incomplete (`--debug` shows where)"
_SHORT = "lwlint: there is not enough memory"
_NEW_OBJECTS = 50_000
_LONGEST = 300  # characters of what a defect said


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process if None) and return its exit code."""
    try:
        return _ran(arguments)
    except KeyboardInterrupt:
        return _tell_interruption()


def _ran(arguments: Sequence[str] | None) -> int:
    from lwlint.core.finding import ConfigurationError

    try:
        from lwlint.cli.arguments import parse, run
    except ConfigurationError as error:  # of a kind of input that another package brings
        _tolerant_output()
        return _tell_refusal(error)
    options = None
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        _tolerant_output()
        code = run(options)
        sys.stdout.flush()
    except ConfigurationError as error:
        return _tell_refusal(error)
    except BrokenPipeError:
        sys.stderr.close()
        return NOT_TRUSTED
    except OSError as error:
        why = _environment(error)
        if not why:
            return _defect(error, debug=getattr(options, "debug", False))
        return _say(f"lwlint: {why}")
    except Exception as error:
        return _defect(error, debug=getattr(options, "debug", False))
    return code


def _tell_interruption() -> int:
    processes = sys.modules.get("lwlint.files.processes")
    if processes is not None:
        processes.take_away_folders()
    return _say("lwlint: interrupted")


def _say(text: str) -> int:
    """Print what went wrong on standard error, if that can be written, and return the exit code."""
    from contextlib import suppress

    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)
    return NOT_TRUSTED


def _tell_refusal(error: Exception) -> int:
    """Tell what is wrong with what the user gave, and return the exit code."""
    from lwlint.core.harmless import safe
    from lwlint.core.secret import mask_secrets

    return _say(f"lwlint: {safe(mask_secrets(str(error)))}")


def _environment(error: OSError) -> str:
    """Return what is wrong around lwlint, in words; empty if it may be lwlint itself."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF) and error.filename is None:
        return f"the output cannot be written ({error.strerror})"
    try:
        os.getcwd()
    except FileNotFoundError:
        return "the current folder is not there any more"
    return ""


def _defect(error: Exception, *, debug: bool) -> int:
    """Tell of a defect of lwlint, or that memory is short, and return the exit code."""
    if _is_short(error):
        return _say(_SHORT)
    from lwlint.core.harmless import safe, tame
    from lwlint.core.secret import without

    if debug:
        import traceback

        trace = without("".join(traceback.format_exception(type(error), error, error.__traceback__)), ())
        _say(tame(trace).removesuffix("\n"))
    said = safe(without(str(error), ()))[:_LONGEST]
    return _say(f"lwlint: this is a defect of lwlint: {type(error).__name__}: {said} (`--debug` shows where)")


def _is_short(error: Exception) -> bool:
    """Return whether an error is that there is no memory, for a library that is loaded late or for a thread too."""
    if isinstance(error, ImportError):
        return "failed to map" in str(error) or "allocate" in str(error)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "start new thread" in str(error))


def entry() -> None:
    """Run the command as a process of its own, and end that process.

    Taking apart all that was read object by object, as Python does at its end, takes a tenth of a run on one file and is of no
    use to anybody; a tracer or profiler has work to do then, and gets to do it. The collector of circles
    looks seldom: never in a run on one file, and in a long one after every 50,000 new objects, which its memory does not show.
    """
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
    try:
        code = _version() if sys.argv[1:] == ["--version"] else _alone()
    except KeyboardInterrupt:  # so early that nothing has begun to catch it
        code = _tell_interruption()
    except Exception as error:  # in what was to tell of another one, whose text may hold a secret
        code = _say(_SHORT if _is_short(error) else f"lwlint: this is a defect of lwlint: {type(error).__name__}")
    except SystemExit as ended:  # of argparse, which has told what is wrong, or has helped
        code = ended.code if isinstance(ended.code, int) else 0
    code = _flush(code)
    if sys.gettrace() is not None or sys.getprofile() is not None:
        sys.exit(code)
    os._exit(code)


def _version() -> int:
    """Print the version, which programs often ask for: nothing else is imported for it."""
    from lwlint import __version__

    try:
        print(f"lwlint {__version__}")
    except OSError as error:
        return _unwritten(error)
    return 0


def _flush(code: int) -> int:
    """Return the exit code when all that was printed is written: what nobody could read is not to be trusted."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        if sys.stderr is not None:
            sys.stderr.flush()
    except ValueError:  # closed, where a pipe was
        return code
    except OSError as error:
        return code if code == NOT_TRUSTED else _unwritten(error)  # it has been told
    return code


def _unwritten(error: OSError) -> int:
    """Tell that something could not be printed, but where nobody reads any more, and return the exit code."""
    return NOT_TRUSTED if isinstance(error, BrokenPipeError) else _say(f"lwlint: {_environment(error)}")


def _alone() -> int:
    """Run the command in a process that is for nothing else, and return its exit code."""
    from lwlint.core.lazy import be_alone, late_expressions

    be_alone()
    with late_expressions():
        _hold_interrupts(_import_msgspec)
        import argparse
    argparse._ = str  # type: ignore[attr-defined]  # lwlint speaks English, and argparse's words need not be looked for in other languages
    return main()


def _hold_interrupts(work: Callable[[], None]) -> None:
    """Do what there is to do, and let Ctrl-C wait meanwhile.

    What msgspec's own code imports when it is imported may not fail: it would forget the interrupt, and end the process with a
    segmentation fault when it reads the first rule. `signal` itself would make types that nothing else needs here.
    """
    import _signal  # type: ignore[import-not-found, unused-ignore]

    if not hasattr(_signal, "pthread_sigmask"):
        work()
        return
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT,))
    try:
        work()
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)


def _import_msgspec() -> None:
    """Import msgspec without what a run seldom needs: `typing_extensions`, and those of its own modules that come when they are asked for.

    They cost as much as half of a run on one file (docs/adr/0014-retired-tricks.md). A module that is an attribute of the package
    already is not imported by it. Of `typing_extensions`, where it happens to be installed, msgspec takes names that `typing` has as
    well; whoever imports it later gets it. Nor does msgspec see whether `typing.ForwardRef` takes `is_class`, as it does since Python 3.11:
    that compiles a text, and before the first one Python makes the hundred types of a syntax tree (2 ms).
    """
    import typing
    from importlib.util import LazyLoader, find_spec, module_from_spec, spec_from_file_location

    found = find_spec("msgspec")
    if found is None or found.loader is None or not found.submodule_search_locations or "msgspec" in sys.modules:
        return
    package = sys.modules["msgspec"] = module_from_spec(found)
    for name in ("inspect", "json", "toml", "yaml"):
        path = os.path.join(found.submodule_search_locations[0], f"{name}.py")
        spec = spec_from_file_location(f"msgspec.{name}", path)
        if spec is not None and spec.loader is not None and os.path.isfile(path):
            spec.loader = LazyLoader(spec.loader)
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules[f"msgspec.{name}"] = module
            setattr(package, name, module)
    hidden = "typing_extensions" not in sys.modules
    if hidden:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    reference = typing.ForwardRef
    if sys.version_info >= (3, 11):
        typing.ForwardRef = lambda text, **how: None  # type: ignore[assignment, misc]
    try:
        found.loader.exec_module(package)
    finally:
        typing.ForwardRef = reference  # type: ignore[misc]
        if hidden:
            del sys.modules["typing_extensions"]


def _tolerant_output() -> None:
    if sys.stdout is None:  # closed, as by `>&-`: what is printed goes nowhere, and not into the next file that is opened
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
