"""The one Markdown parser, made when first needed: CommonMark with tables and strikethrough, without HTML."""

from functools import cache

from markdown_it import MarkdownIt

from codex_gateway.telegram.markup import block_rules, inline_rules

#: Above every level our own block rule lets through, so that markdown-it's silent cut is never reached.
_MAX_NESTING = block_rules.DEEPEST_LEVEL + 8


class _Parser(MarkdownIt):
    """Takes link targets as they are: which of them become links is the renderer's question."""

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link

    def validateLink(self, url: str) -> bool:  # noqa: ARG002
        return True


@cache
def parser() -> MarkdownIt:
    """The shared parser. It keeps no state between texts."""
    md = _Parser("commonmark", {"html": False, "maxNesting": _MAX_NESTING})
    md.enable(["table", "strikethrough"])
    # Definitions vanish from the text ("[WARN]: disk" is one); entities must stay as written.
    md.disable(["html_block", "html_inline", "reference", "entity"])
    block, inline = md.block.ruler, md.inline.ruler
    block.before("table", "deep", block_rules.deep)
    block.at("table", block_rules.table, {"alt": ["paragraph", "reference"]})
    block.at("blockquote", block_rules.blockquote, {"alt": ["paragraph", "blockquote", "list"]})
    block.after("deep", "formula", block_rules.formula, {"alt": ["paragraph", "blockquote", "list"]})
    inline.at("escape", inline_rules.escape)
    inline.at("emphasis", inline_rules.emphasis)
    inline.at("link", inline_rules.link)
    inline.at("image", inline_rules.image)
    inline.at("autolink", inline_rules.autolink)
    inline.after("escape", "math", inline_rules.math)
    inline.after("math", "address", inline_rules.address)
    md.inline.terminator_re = inline_rules.STOPS
    return md
