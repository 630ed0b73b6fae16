"""Header sections: fields are found whatever the case of their names."""

from classifier.parse.headers import HeaderBlock


def test_names_are_asked_for_in_any_case():
    block = HeaderBlock(b"subject: one\nX-Some-Thing: two\nSUBJECT: three\n")
    for name in ("Subject", "subject", "SUBJECT"):
        assert name in block
        assert block.get(name) == "one"
        assert block.text(name) == "one"
        assert block.get_all(name) == ["one", "three"]
        assert [field.name for field in block.all_fields(name)] == ["subject", "SUBJECT"]
    assert block.get_all("x-some-THING") == ["two"]
    assert "X-Some" not in block
    assert block.get("X-Some") is None
