"""The page in a real browser: quiet console, true charts, both themes, a phone, and hostile mail."""

from __future__ import annotations

import json

import pytest

from classifier.present.attack import Attack
from classifier.present.attack_json import as_dict
from classifier.present.page import page
from tests.floods import NOW, attack_of, entries, flood
from tests.samples import REPORT

#: The sum of the bars of a chart that is seen, by verdict; numbers as the page writes them.
_BARS = """(() => {
    const found = {};
    const seen = [...document.querySelectorAll('section[aria-labelledby=flood] figure svg')]
        .filter(svg => getComputedStyle(svg).display !== 'none')[0];
    for (const bars of seen ? seen.querySelectorAll('.bars') : [])
        found[bars.classList[1]] = [...bars.querySelectorAll('title')]
            .reduce((sum, title) => sum + Number(title.textContent.split(': ').pop().replaceAll(',', '')), 0);
    return JSON.stringify(found);
})()"""


@pytest.fixture(scope="module")
def attacks():
    judged, identity = entries(50_000)
    return {0: Attack(now=NOW), 1: attack_of(REPORT), 50_000: flood(judged, identity)}


@pytest.mark.parametrize("number", [0, 1, 50_000])
@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 1200), ("light", 360), ("dark", 390)])
def test_the_page_as_people_see_it(browser, attacks, tmp_path, *, number, theme, width):
    attack = attacks[number]
    file = tmp_path / "page.html"
    file.write_text(page(attack, NOW, "example.org"), encoding="utf-8")
    browser.show(file, width=width, theme=theme, phone=width < 500)
    assert browser.complaints() == []
    assert browser.asked_for() == [file.as_uri()]
    # Nothing is wider than the screen; the background is the theme's.
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.cut_off() == []
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if theme == "light" else "rgb(21, 24, 28)")
    ratio, where = browser.contrast()
    assert ratio >= 4.5, where
    told = as_dict(attack)
    sums = {v: sum(s.get(v, 0) for s in told["series"]) for v in ("forged", "unsure", "genuine")}
    drawn = json.loads(browser.run(_BARS))
    assert drawn == (sums if number else {})
    shown = browser.run(
        "[...document.querySelectorAll('.sums b')].map(b => Number(b.textContent.replaceAll(',', '')))"
    )
    assert shown == [told["verdicts"].get(v, 0) for v in ("genuine", "forged", "unsure")]


def test_keyboard_and_outline(browser, attacks, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(page(attacks[50_000], NOW, "example.org"), encoding="utf-8")
    browser.show(file)
    assert browser.outline_faults() == []
    assert browser.pdf().startswith(b"%PDF-")
    # On paper a chart's key stands on the same page.
    browser.show(file, media="print")
    assert browser.run(
        "[...document.querySelectorAll('.key')].every(e => getComputedStyle(e).breakAfter === 'avoid')"
    )


HOSTILE = (
    '"><script>window.owned = 1</script>',
    "<img src=x onerror=window.owned=1>",
    "</style><style>*{display:none}</style>",
    "</title><svg onload=window.owned=1><a href=javascript:window.owned=1>x</a>",
    "{{ 7*1234567 }}{% raw %}",
    "<iframe srcdoc='<script>parent.owned=1</script>'><link rel=stylesheet href=http://evil.test/x.css>",
    "\u202egnp.exe\u2066<base href=http://evil.test/>\u2028<meta http-equiv=refresh content=0;url=http://evil.test>",
)


@pytest.mark.parametrize("verdict", ["forged", "genuine", "unsure"])
def test_a_hostile_message_writes_nothing_into_the_page(browser, tmp_path, verdict):
    from classifier.dataclass import replace
    from classifier.history import ReportedFailure

    judged, identity = entries(8)
    attack = Attack(identity, NOW)
    for number, words in enumerate(HOSTILE):
        attack.add(
            replace(
                judged[number], verdict=verdict, subject=words, sample=words, used=words, operator=words, network=words,
                misuse=words, model=words, reasons=(words,), evidence=(f"{words}:{verdict}:weak",),
                recipients=(ReportedFailure(words, "failed", words, words),),
            ),
            words,
        )  # fmt: skip
    file = tmp_path / "page.html"
    file.write_text(page(attack, NOW, HOSTILE[0]), encoding="utf-8")
    browser.show(file)
    assert browser.complaints() == []
    assert browser.asked_for() == [file.as_uri()]
    assert browser.run("window.owned") is None
    assert browser.run("location.href") == file.as_uri()
    assert browser.run("document.styleSheets.length") == 1
    forbidden = (
        "script, a, img, iframe, object, embed, link, form, base, foreignObject, meta[http-equiv=refresh]"
    )
    assert browser.run(f"document.querySelectorAll('{forbidden}').length") == 0
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    assert not [name for name in browser.run(handlers) if name.startswith("on") or name == "style"]
    text = browser.run("document.body.textContent")
    assert "window.owned = 1" in text  # shown, as text
    assert "8641969" not in text
    assert not set("\u202e\u2066\u2028") & set(text)
