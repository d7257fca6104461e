"""The page of a hierarchy as a reader has it: opened from disk in a browser, without a network."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmrcl.visualization import Retrieved, write_report

webdriver = pytest.importorskip('selenium.webdriver', reason='pip install selenium')
from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')
DRIVER = shutil.which('chromedriver')
FLAGS = (
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--window-size=1400,1000',
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="install Debian's chromium and chromium-driver, or Chrome and chromedriver",
    ),
]

COUNT = 60
CLASSES = [0] * 30 + [1] * 30
# Names with what CSV and addresses have to quote.
NAMES = [f'{"cat" if i < 30 else "dog"}/shot {i}, "{i % 7}".jpg' for i in range(COUNT)]
FEATURES = torch.randn(COUNT, 4, generator=torch.Generator().manual_seed(0))
QUERIES, KEYS = [0, 31, 59], [[1, 40], [32, 30], [-1, 58]]


class Page:
    """A report in the browser, with what a test asks of it."""

    def __init__(self, browser) -> None:
        self.browser = browser

    def open(self, path: Path, view: str = '') -> None:
        self.browser.get('about:blank')
        self.browser.get(path.as_uri() + view)
        self.wait(lambda: int(self.one('#map canvas').get_attribute('data-painted') or 0) > 0)

    def wait(self, holds) -> None:
        # The panel may be replaced between finding an element and reading it.
        patient = WebDriverWait(
            self.browser, 20, ignored_exceptions=[StaleElementReferenceException]
        )
        patient.until(lambda _: holds())

    def one(self, selector: str):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    def heading(self) -> str:
        return self.one('#panel h3').text

    def crumbs(self) -> list[str]:
        return self.texts('#crumbs > *')

    def pixels(self, element) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert('RGB'))

    def brightness(self, element) -> float:
        """That of the middle of an image shown."""
        self.browser.execute_script(
            'arguments[0].scrollIntoView({block: "center", behavior: "instant"})', element
        )
        pixels = self.pixels(element)
        y, x = (length // 2 for length in pixels.shape[:2])
        return float(pixels[y - 4 : y + 4, x - 4 : x + 4].mean())

    def search(self, text: str) -> list[str]:
        field = self.one('#search')
        field.clear()
        field.send_keys(text)
        return [name.split('\n')[0] for name in self.texts('#results a')]

    def faults(self) -> list[str]:
        """Console messages, and requests that leave the page, since the last call."""
        said = [entry['message'] for entry in self.browser.get_log('browser')]
        for entry in self.browser.get_log('performance'):
            message = json.loads(entry['message'])['message']
            if message['method'] == 'Network.requestWillBeSent':
                url = message['params']['request']['url']
                ours = message['params']['documentURL'].startswith('file:')
                if ours and not url.startswith(('file:', 'data:', 'blob:')):
                    said.append(url)
        return said


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("profile")}'):
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    service = webdriver.ChromeService(executable_path=DRIVER)
    browser = webdriver.Chrome(options=options, service=service)
    yield Page(browser)
    browser.quit()


def gray_images() -> np.ndarray:
    """Image i has brightness 4 i."""
    return np.broadcast_to(4 * np.arange(COUNT, dtype=np.uint8)[:, None, None], (COUNT, 32, 32))


def nested_labels() -> torch.Tensor:
    """Fives in thirties, but for the last five images, each alone at the finer level."""
    images = torch.arange(COUNT)
    return torch.stack([torch.where(images < 55, images // 5 * 5, images), images // 30 * 30])


@pytest.fixture(scope='module')
def report(tmp_path_factory) -> Path:
    """Everything that a page can have."""
    rows = [{'loss': 9.0 - e, 'iter': 4 * e, 'epoch': e, 'step': 4 * e} for e in range(1, 6)]
    rows += [
        {f'hierarchy/level_{h}/ami': 0.1 * h * e, 'step': 4 * e} for h in (2, 3) for e in (1, 2)
    ]
    keys = torch.tensor(KEYS)
    return write_report(
        tmp_path_factory.mktemp('report') / 'page.html',
        nested_labels(),
        gray_images(),
        FEATURES,
        torch.tensor(CLASSES),
        ['cat', '<b>dog</b>'],
        QUERIES,
        [Retrieved('nearest', keys, torch.full(keys.shape, 0.875))],
        rows,
        numbers=np.arange(COUNT) + 100,
        title='A page',
        about={'Run': 'tiny'},
        paths=[f'/photos/{name}' for name in NAMES],
    )


@pytest.fixture(autouse=True)
def without_faults(page):
    yield
    assert page.faults() == []


def test_the_tree_is_there(page, report):
    page.open(report)
    assert page.heading() == 'All images'
    assert page.texts('tbody tr')[0].split()[:3] == ['3', '2', '0']
    assert page.texts('#panel .row b')[:2] == ['Cluster L3-0', 'Cluster L3-30']
    colors = np.unique(page.pixels(page.one('#map canvas')).reshape(-1, 3), axis=0)
    assert len(colors) > COUNT


def test_a_click_expands_and_crumbs_lead_back(page, report):
    page.open(report)
    canvas = page.one('#map canvas')
    left = ActionChains(page.browser).move_to_element_with_offset(canvas, -120, 0)
    left.click().perform()
    page.wait(lambda: len(page.crumbs()) == 2)
    top = page.heading()
    assert top in ('Cluster L3-0', 'Cluster L3-30')
    assert page.crumbs() == ['All images', top]
    page.all('#panel .row')[0].click()
    page.wait(lambda: len(page.crumbs()) == 3)
    assert len(page.all('#members .thumb')) == 5
    page.one('#crumbs a').click()
    page.wait(lambda: page.heading() == 'All images')


def test_keys_alone_reach_an_image(page, report):
    page.open(report)
    canvas = page.one('#map canvas')
    for depth, kind in enumerate(['Cluster L3', 'Cluster L2', ('cat', 'dog')], 2):
        canvas.send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
        page.wait(lambda depth=depth: len(page.crumbs()) == depth)
        assert page.heading().startswith(kind)
    canvas.send_keys(Keys.BACKSPACE)
    page.wait(lambda: len(page.crumbs()) < 4)


def test_an_image_shows_itself_and_its_clusters(page, report):
    for image in (0, 23, 41, 59):
        page.open(report, f'#image={image}')
        assert page.heading() == NAMES[image]
        assert page.texts('.hero .sub') == [
            f'image {image + 100}',
            ['cat', '<b>dog</b>'][image // 30],
        ]
        assert page.brightness(page.one('.hero .picture')) == pytest.approx(4 * image, abs=3)
        rows = [text.split('\n') for text in page.texts('#path .row')]
        levels = enumerate(nested_labels()[:, image], 2)
        assert [row[0] for row in rows] == [f'Cluster L{level}-{c}' for level, c in levels]
        assert rows[1][1].startswith('30 images, 100 % ')


def test_members_are_the_images_of_the_cluster(page, report):
    page.open(report)
    page.search('cluster 20')
    page.one('#results a').click()
    page.wait(lambda: page.heading() == 'Cluster L2-20')
    shown = [(t.get_attribute('title'), page.brightness(t)) for t in page.all('#members .thumb')]
    assert {title for title, _ in shown} == {f'{NAMES[i]}, cat' for i in range(20, 25)}
    for title, brightness in shown:
        image = NAMES.index(title.removesuffix(', cat'))
        assert brightness == pytest.approx(4 * image, abs=3)
    captions = [text.split('\n') for text in page.texts('#members figcaption')]
    assert [name for name, _ in captions] == [title[4:-5] for title, _ in shown]
    assert {kind for _, kind in captions} == {'cat'}
    page.all('#members .thumb')[2].click()
    page.wait(lambda: f'{page.heading()}, cat' == shown[2][0])


def test_search_by_image_class_size_and_cluster(page, report):
    page.open(report)
    assert page.search('image 107') == [NAMES[7]]
    assert page.search('107') == [NAMES[7]]
    found = page.search('30')  # also part of a file's name
    assert found == ['Cluster L3-30', 'Cluster L2-30', NAMES[30]]
    assert page.search('L3-30') == page.search('cluster l3-30') == ['Cluster L3-30']
    assert page.search('size > 5') == ['Cluster L3-0', 'Cluster L3-30']
    assert len(page.search('class <b>dog</b>')) == 1 + 1 + 5 + 5
    assert page.search('class dog')[0] == '<b>dog</b>'
    assert page.search('dog')[12:] == NAMES[30:58]  # the first 40 are listed
    assert page.search('file shot 4, ') == [NAMES[4]]
    assert page.search('no such thing') == []
    assert page.search('cluster 5') == ['Cluster L2-5']
    page.one('#search').send_keys(Keys.ENTER)
    page.wait(lambda: page.heading() == 'Cluster L2-5')


def test_a_number_finds_image_and_class(page, tmp_path):
    names = [str(number) for number in range(10)]
    path = write_report(
        tmp_path / 'page.html',
        nested_labels(),
        gray_images(),
        classes=torch.arange(COUNT) % 10,
        class_names=names,
    )
    page.open(path)
    assert page.search('9')[:2] == ['Image 9', 'class 9']
    page.all('#results a')[1].click()
    page.wait(lambda: page.heading() == 'class 9')
    titles = [thumb.get_attribute('title') for thumb in page.all('#members .thumb')]
    assert titles == [f'Image {i}, class 9' for i in range(9, COUNT, 10)]


def test_similar_images_are_shown_for_any_image(page, report):
    features = torch.nn.functional.normalize(FEATURES, dim=1)
    for image in (3, 58):
        page.open(report, f'#image={image}')
        cosines = features @ features[image]
        literal = [i for i in cosines.argsort(descending=True).tolist() if i != image][:12]
        titles = [t.get_attribute('title').rsplit(', ', 1)[0] for t in page.all('#similar .thumb')]
        assert titles == [NAMES[i] for i in literal]
        notes = [text.split('\n')[1].split()[0] for text in page.texts('#similar figcaption')]
        assert [float(note) for note in notes] == pytest.approx(
            cosines[literal].clamp(min=0).tolist(), abs=0.008
        )


def downloaded(page, tmp_path) -> list[list[str]]:
    """The rows of the selection's file."""
    page.browser.execute_cdp_cmd(
        'Browser.setDownloadBehavior', {'behavior': 'allow', 'downloadPath': str(tmp_path)}
    )
    page.one('#download').click()
    page.wait(lambda: (tmp_path / 'selection.csv').exists())
    with (tmp_path / 'selection.csv').open(newline='', encoding='utf-8') as file:
        return list(csv.reader(file))


def row_of(image: int) -> list[str]:
    fine, coarse = nested_labels()[:, image].tolist()
    kind = ['cat', '<b>dog</b>'][CLASSES[image]]
    return [f'/photos/{NAMES[image]}', str(image + 100), kind, f'L2-{fine}', f'L3-{coarse}']


def test_a_selection_is_collected_and_exported(page, report, tmp_path):
    page.open(report, '#image=59')
    assert not page.one('#selection').is_displayed()
    page.one('.pick').click()
    assert page.one('.pick').text == 'Remove this image from selection'
    page.search('cluster l2-20')
    page.one('#results a').click()
    page.wait(lambda: page.heading() == 'Cluster L2-20')
    page.one('body').send_keys('s')
    shifted = page.all('#members .thumb')[0]
    out = NAMES.index(shifted.get_attribute('title').removesuffix(', cat'))
    ActionChains(page.browser).key_down(Keys.SHIFT).click(shifted).key_up(Keys.SHIFT).perform()
    assert page.heading() == 'Cluster L2-20'
    assert page.one('#selection-count').text == '5 images selected'
    images = [i for i in range(20, 25) if i != out] + [59]
    header, *rows = downloaded(page, tmp_path)
    assert header == ['file', 'number', 'class', 'cluster_level_2', 'cluster_level_3']
    assert rows == [row_of(image) for image in images]
    page.all('#selection .button')[0].click()
    page.wait(lambda: page.heading() == 'Selection')
    assert len(page.all('#members .thumb.chosen')) == 5
    page.all('#selection .button')[-1].click()
    page.wait(lambda: page.heading() == 'All images')
    assert not page.one('#selection').is_displayed()


def test_the_map_opens_images_and_selects_by_dragging(page, report, tmp_path):
    page.open(report)
    plot = page.one('#plot canvas')
    page.wait(lambda: plot.get_attribute('data-painted') == str(COUNT))
    wide, high = plot.size['width'], plot.size['height']
    drag = ActionChains(page.browser).move_to_element_with_offset(
        plot, 3 - wide // 2, 3 - high // 2
    )
    drag.click_and_hold().move_by_offset(wide - 6, high - 6).release().perform()
    assert page.one('#selection-count').text == f'{COUNT} images selected'
    assert downloaded(page, tmp_path)[1:] == [row_of(image) for image in range(COUNT)]
    plot.send_keys(Keys.ARROW_RIGHT)
    name = page.one('#plot .tip b').text
    plot.send_keys('++', 's')
    assert page.one('#selection-count').text == f'{COUNT - 1} images selected'
    plot.send_keys(Keys.ENTER)
    page.wait(lambda: page.heading() == name)
    assert int(plot.get_attribute('data-painted')) < COUNT


def test_the_page_fits_its_window(page, report):
    def shape(width, height):
        page.browser.execute_cdp_cmd(
            'Emulation.setDeviceMetricsOverride',
            dict(width=width, height=height, deviceScaleFactor=1, mobile=False),
        )
        page.open(report, '#node=1')

    try:
        shape(1400, 900)
        left, panel = page.one('#legend').rect, page.one('#panel').rect
        assert panel['y'] + panel['height'] == pytest.approx(left['y'] + left['height'], abs=30)
        shape(400, 800)
        script = 'return document.documentElement.scrollWidth'
        assert page.browser.execute_script(script) <= 400
        table = page.one('#summary .scroll')
        inner, outer = (table.get_property(f'{kind}Width') for kind in ('scroll', 'client'))
        bar = table.get_property('offsetHeight') - table.get_property('clientHeight')
        assert inner > outer and bar > 0
    finally:
        page.browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


def test_single_images_are_one_part(page, report):
    page.open(report)
    page.search('size = 30')
    page.all('#results a')[1].click()
    page.wait(lambda: page.heading() == 'Cluster L3-30')
    assert page.texts('#panel .row b').count('5 single images') == 1
    next(row for row in page.all('#panel .row') if '5 single' in row.text).click()
    page.wait(lambda: page.heading() == 'Single images')
    titles = {thumb.get_attribute('title') for thumb in page.all('#members .thumb')}
    assert titles == {f'{NAMES[i]}, <b>dog</b>' for i in range(55, 60)}


def test_retrievals_show_the_label_of_each_level(page, report):
    page.open(report)
    labels = nested_labels()
    cards = page.all('.retrieval')
    assert len(cards) == len(QUERIES)
    for card, query, keys in zip(cards, QUERIES, KEYS, strict=True):
        assert NAMES[query] in card.text
        for found, key in zip(card.find_elements(By.CSS_SELECTOR, '.key'), keys, strict=True):
            if key < 0:
                assert found.text.startswith('none found')
                continue
            together = [query == key, *(labels[:, query] == labels[:, key]).tolist()]
            signs = [f'{level}{"+" if yes else "−"}' for level, yes in enumerate(together, 1)]
            chips = found.find_elements(By.CSS_SELECTOR, '.pair-label')
            assert [chip.text for chip in chips] == signs
            assert ('✓' in found.text) == (CLASSES[query] == CLASSES[key])
            assert '0.88' in found.text
            shown = found.find_element(By.CSS_SELECTOR, '.picture')
            assert page.brightness(shown) == pytest.approx(4 * key, abs=3)


def test_curves_are_drawn_and_read(page, report):
    page.open(report)
    assert page.texts('#curves figcaption b') == ['Loss and its parts', 'Hierarchy: ami']
    plot = page.one('#curves .plot > svg')
    assert page.texts('#curves .reading')[0] == 'loss\n4'
    ActionChains(page.browser).move_to_element_with_offset(plot, -120, 0).perform()
    page.wait(lambda: page.texts('#curves figcaption .sub')[0].startswith('epoch'))
    assert page.texts('#curves .reading')[0] != 'loss\n4'


@pytest.mark.parametrize(
    'address',
    ['#curves-section', '#node=9999', '#singles=1', '#image=60', '#class=2', '#selection=0'],
)
def test_an_address_without_a_view_shows_all(page, report, address):
    page.open(report, address)
    assert page.heading() == 'All images'


def test_colours_can_mean_purity_and_cohesion(page, report):
    page.open(report)
    seen = {page.one('#map canvas').screenshot_as_base64}
    for mode in page.all('#colors label')[1:]:
        mode.click()
        page.wait(lambda: page.all('#legend .ramp'))
        ActionChains(page.browser).pause(0.2).perform()
        seen.add(page.one('#map canvas').screenshot_as_base64)
    assert len(seen) == 3


SHAPES = {
    'two levels, nothing known': dict(labels=nested_labels()[:1]),
    'four levels': dict(labels=torch.cat([nested_labels(), torch.zeros(1, COUNT).long()])),
    'all alone': dict(labels=torch.arange(COUNT)[None]),
    'all together': dict(labels=torch.zeros(2, COUNT).long(), classes=torch.tensor(CLASSES)),
    'tiny images': dict(images=gray_images()[:, :8, :8]),
    'one image': dict(labels=torch.zeros(1, 1).long(), images=gray_images()[40:41]),
}


@pytest.mark.parametrize('shape', SHAPES)
def test_pages_of_other_shapes(page, tmp_path, shape):
    given = dict(labels=nested_labels(), images=gray_images()) | SHAPES[shape]
    path = write_report(tmp_path / 'page.html', **given)
    page.open(path)
    assert page.heading() == 'All images'
    assert len(page.all('tbody tr')) == len(given['labels'])
    page.open(path, '#image=0')
    assert len(page.all('#path .row')) == len(given['labels'])
    assert page.brightness(page.one('.hero .picture')) == pytest.approx(
        given['images'][0].mean(), abs=3
    )


def test_levels_that_do_not_nest_are_told_and_shown_apart(page, tmp_path):
    images = torch.arange(COUNT)
    labels = torch.stack([images // 10, (images + 5) // 10])
    page.open(write_report(tmp_path / 'page.html', labels, gray_images()))
    assert 'do not nest' in page.one('.notice').text
    assert page.texts('#panel .row b') == ['Level 2', 'Level 3']
    assert page.texts('#panel .figures dd')[0] == str(COUNT)
    page.open(tmp_path / 'page.html', '#image=7')
    assert page.texts('#path .row b') == ['Cluster L2-0', 'Cluster L3-1']


def test_colour_images_keep_their_colours(page, tmp_path):
    images = np.zeros((COUNT, 40, 48, 3), np.uint8)
    images[..., 0], images[..., 2] = 220, 40
    path = write_report(tmp_path / 'page.html', nested_labels(), images)
    page.open(path, '#image=3')
    pixels = page.pixels(page.one('.hero .picture'))
    middle = pixels[40:60, 40:60].reshape(-1, 3).mean(0)
    assert middle == pytest.approx([220, 0, 40], abs=6)
