"""A CIB against the RELAX NG schemas of an installed Pacemaker, which lwlint does not bring (they are under the GPL). Needs lxml.

As in Pacemaker, text between elements is passed over. The status is left out, too: Pacemaker drops it from a CIB that it reads from a disk.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Any

from lwlint.core.finding import ConfigurationError
from lwlint.inputs.pacemaker.schema import Fault, called, subject
from lwlint.inputs.pacemaker.xml import Element

_SCHEMA = re.compile(r"pacemaker-[\w.]+")
_XML = "{http://www.w3.org/XML/1998/namespace}"


def has_schema(schema: str | None, folder: str) -> bool:
    """Return whether the folder has the schema that a CIB names in `validate-with`."""
    return _SCHEMA.fullmatch(schema or "") is not None and os.path.isfile(os.path.join(folder, f"{schema}.rng"))


def refusal(root: Element, schema: str, folder: str) -> Fault | None:
    """Return what the schema, which `folder` has, refuses in the `cib` element `root`: the innermost element; None if the CIB fits.

    Raises ConfigurationError for a schema that cannot be read, and without lxml.
    """
    validator = _validator(os.path.join(folder, f"{schema}.rng"))
    made, document = _document(root)
    if validator.validate(document):
        return None
    blamed, said = root, ""
    depth = -1
    for entry in validator.error_log:
        found = document.getroottree().xpath(entry.path) if entry.path else []
        if found and found[0] in made and entry.path.count("/") > depth:
            blamed, said, depth = made[found[0]], entry.message, entry.path.count("/")
    said = said or "does not fit"
    return Fault(blamed.span(), f"{called(blamed)}: {schema} refuses it ({said[:1].lower()}{said[1:]})", f"{subject(blamed)} refused")


def _document(root: Element) -> tuple[dict[Any, Element], Any]:
    """Return the element and those below it as a document of lxml's, and what each of its elements was made of."""
    from lxml import etree

    top = etree.Element(root.tag.replace(":", "_"))
    made = {top: root}
    todo = [(root, top)]
    while todo:
        element, copy = todo.pop()
        for name, value in element.attributes.items():
            if not name.startswith("xmlns:"):
                copy.set(name.replace("xml:", _XML) if name.startswith("xml:") else name.replace(":", "_"), value)
        for child in element.children:
            if child.tag == "status" and element is root:
                continue
            below = etree.SubElement(copy, child.tag.replace(":", "_"))
            made[below] = child
            todo.append((child, below))
    return made, top


@functools.cache
def _validator(path: str) -> Any:
    try:
        from lxml import etree
    except ModuleNotFoundError:
        raise ConfigurationError("`--schemas`: validation needs lxml; install `lwlint[schema]`") from None
    try:
        return etree.RelaxNG(etree.parse(path))
    except (etree.LxmlError, OSError) as error:
        raise ConfigurationError(f"`{path}`: cannot be read as a RELAX NG schema ({error})") from error
