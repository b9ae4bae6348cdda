import pytest

from styletransfer.live import page
from styletransfer.settings import Settings
from tests.support.painter import made_session


def test_the_page_loads_its_own_files_with_the_token_and_nothing_else() -> None:
    text = page.html("secret")
    for name in page.FILES:
        assert f'"{name}?token=secret"' in text
    assert "//" not in text
    assert "style=" not in text, "which its policy forbids"


@pytest.mark.parametrize("name", page.FILES)
def test_no_file_names_an_address_elsewhere(name: str) -> None:
    text = page.file(name).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    assert "@import" not in text


def test_sliders_have_the_default_in_the_middle_and_all_anchors_in_range() -> None:
    about = page.about(made_session(), "ssh -L …")
    defaults = Settings()
    for slider in about["sliders"]:
        default = getattr(defaults, f"{slider['name']}_weight")
        assert slider["low"] * slider["high"] == pytest.approx(default**2)
        assert [
            at for at, _ in slider["anchors"] if at and not slider["low"] < at < slider["high"]
        ] == []
        assert default in dict(slider["anchors"])
