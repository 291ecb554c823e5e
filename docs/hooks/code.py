"""Where code in a line of text may break: after a slash, a dot and the like, never within `--`."""

import re

CODE = re.compile(r"<pre\b.*?</pre>|<code>([^<]+)</code>", re.S)
OPTION = re.compile(r"--[a-z][\w-]*")
BREAK = re.compile(r"(?<=\w)(::|[/=.])(?=\w)")
LONG = re.compile(r"\w{20,}")


def on_post_page(output, **_):
    return CODE.sub(lambda found: _breakable(found[1]) if found[1] else found[0], output)


def _breakable(code):
    code = LONG.sub(lambda name: name[0].replace("_", "_<wbr>"), code)
    code = OPTION.sub(r'<span class="option">\g<0></span>', BREAK.sub(r"\1<wbr>", code))
    return f"<code>{code}</code>"
