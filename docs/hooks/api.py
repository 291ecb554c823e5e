"""The page of the API, from the package's `__all__`; a symbol without docstring is an error."""

import pathlib
import re

import griffe
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

REPOSITORY = pathlib.Path(__file__).parents[2]


def on_files(files, config, **_):
    package = griffe.load("tp_keras", search_paths=[str(REPOSITORY)])
    bare = [name for module in modules(package) for name in without_docstring(module)]
    if bare:
        raise PluginError(f"public and without docstring: {', '.join(bare)}")
    files.append(File.generated(config, "api.md", content=page(package)))
    return files


def on_page_content(html, **_):
    """The page without the dash that stands before a returned value for want of a name."""
    return re.sub(r'(<li class="doc-section-item field-body">)\s*–\s*(?=<div)', r"\1", html)


def page(package) -> str:
    """The Markdown that mkdocstrings fills in."""
    parts = ["# API\n", "What `import tp_keras` offers, module by module.\n"]
    for module in modules(package):
        parts.append(f"## {module.path}\n\n{module.docstring.value.splitlines()[0]}\n")
        parts += [f"::: {member.path}\n" for member in members(module)]
    return "\n".join(parts)


def modules(package) -> list[griffe.Module]:
    """The package, and its public modules: those that its `__all__` names."""
    exported = [member(package, name) for name in package.exports]
    return [package, *(module for module in exported if module.is_module)]


def member(module, name) -> griffe.Object:
    """What a module has under a name: of a function and its module, `convert`, the function."""
    found = module[name]
    return found[name] if found.is_module and name in found.members else found


def members(module) -> list[griffe.Object]:
    """Classes and functions that a module exports, or, without `__all__`, defines.

    Of a class mkdocstrings then shows the methods that have a docstring.
    """
    if module.exports is None:
        found = [
            m for m in module.members.values() if not m.is_alias and not m.name.startswith("_")
        ]
    else:
        found = [member(module, name) for name in module.exports]
    targets = [m.final_target if m.is_alias else m for m in found]
    return [m for m in targets if m.is_class or m.is_function]


def without_docstring(module) -> list[str]:
    """Names of what a reader of the API meets and nobody has described."""
    return [symbol.path for symbol in [module, *members(module)] if not symbol.docstring]
