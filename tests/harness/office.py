"""Pages as an office makes them, with what stands on them: printed, photographed, scanned, faded, stamped.

All of them come from a seed. Paper is A4; `Sheet.text` is what a person would read, line by line.
"""

import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from tests.harness.noise import noise

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]
Corners = tuple[tuple[float, float], ...]

DPI = 300
INCHES = (8.27, 11.69)
FONTS = ("DejaVuSans", "DejaVuSerif", "DejaVuSans-Bold", "DejaVuSerif-Bold")
FONT_FOLDER = "/usr/share/fonts/truetype/dejavu"
BLACK, WHITE = (20, 20, 20), (255, 255, 255)

LATIN = """
account address agreement amount annual answer approve arrive attach balance before branch budget building business
carrier charge client company complete confirm contract copy country customer damage date deliver department deposit
director document during effect employee enclose equipment estimate exchange expense follow foreign freight general
goods holiday however hundred import income include increase industry inform insurance interest invoice journey
kindly letter machine manager market material measure meeting member minute money monthly morning number office
offer order organise overdue package payment period person please position possible previous price print private
produce product profit promise proposal quality quantity quarter question receive record reduce regard remain reply
report request require reserve result return sample schedule second section service several shipment signature
special standard statement station supply support telephone thousand together transfer transport under until urgent
value vehicle volume warehouse
""".split()  # noqa: SIM905 - a list of words is read as words
CYRILLIC = """
адрес акт аренда банк бумага важный ведомость внимание возврат вопрос время выплата главный город груз данные дата
движение декабрь делать день деньги директор договор документ доставка доход единица завод задача заказ закон запрос
заявка здание значение изменение имущество качество квартал клиент книга количество комната конец контроль копия
край лист личный материал машина место месяц минута много народ неделя новый номер область образец общий объект
оплата опыт организация остаток ответ отдел отчёт очередь письмо план подпись показать покупка получить порядок
поставка право предприятие прибыль приказ проверка продажа просьба работа размер расход результат решение рынок
сведения связь сегодня склад служба смета соглашение список срок ставка стоимость страна сумма счёт товар точный
труд улица условие услуга участок факс форма цена часть число
""".split()  # noqa: SIM905 - a list of words is read as words


@dataclass(frozen=True)
class Sheet:
    """A page (RGB, `dpi` per inch), its text, and the corners of the pictures on it, which have none."""

    image: Image.Image
    text: str
    pictures: tuple[Corners, ...] = ()
    dpi: int = DPI

    def text_only(self, fax: Image.Image) -> Image.Image:
        """A fax (204 x 196 per inch, mode 1) of this page, its pictures wiped out: what there is to read."""
        across, down = 204 / self.dpi, 196 / self.dpi
        left = (fax.width - round(self.image.width * across)) // 2
        wiped = fax.convert("L")
        for corners in self.pictures:
            place = [(left + x * across, y * down) for x, y in corners]
            ImageDraw.Draw(wiped).polygon(place, fill=255, outline=255, width=30)
        return wiped.convert("1")


def corners_of(box: Box) -> Corners:
    left, top, right, bottom = box
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def blank(dpi: int = DPI) -> Image.Image:
    return Image.new("RGB", (round(INCHES[0] * dpi), round(INCHES[1] * dpi)), WHITE)


def font(points: float, dpi: int = DPI, name: str = FONTS[0]) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{FONT_FOLDER}/{name}.ttf", round(points * dpi / 72))


class Writer:
    """Writes lines of words down a page, and remembers them."""

    def __init__(self, seed: int, dpi: int = DPI) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - a pattern, not a secret
        self.image, self.dpi = blank(dpi), dpi
        self.draw = ImageDraw.Draw(self.image)
        self.lines: list[str] = []
        self.top = self.inch(0.8)
        self.words = LATIN if seed % 2 else CYRILLIC

    def inch(self, inches: float) -> int:
        return round(inches * self.dpi)

    @property
    def room(self) -> bool:
        return self.top < self.inch(INCHES[1] - 1.0)

    def line(
        self, points: float, ink: Colour = BLACK, name: str = FONTS[0], left: float = 0.9, right: float = 7.4
    ) -> None:
        """One line of words between `left` and `right` inches."""
        style, text = font(points, self.dpi, name), ""
        while style.getlength(longer := f"{text} {self._word()}".strip()) < self.inch(right - left):
            text = longer
        self.put(text, (self.inch(left), self.top), points, ink, name)
        self.top += round(1.45 * points * self.dpi / 72)

    def put(self, text: str, at: tuple[int, int], points: float, ink: Colour = BLACK, name: str = FONTS[0]) -> None:
        """Writes `text` there and remembers it."""
        self.draw.text(at, text, fill=ink, font=font(points, self.dpi, name))
        self.lines.append(text)

    def gap(self, inches: float = 0.12) -> None:
        self.top += self.inch(inches)

    def sheet(self, *pictures: Box) -> Sheet:
        return Sheet(self.image, "\n".join(self.lines), tuple(map(corners_of, pictures)), self.dpi)

    def _word(self) -> str:
        chance = self.rng.random()
        if chance < 0.08:
            return str(self.rng.randint(10, 99_999))
        word = self.rng.choice(self.words)
        return f"{word.capitalize()}" if chance < 0.2 else f"{word}," if chance < 0.26 else word


def letter(seed: int, dpi: int = DPI) -> Sheet:
    """Black text on white, 8 to 11 points."""
    page = Writer(seed, dpi)
    while page.room:
        points, name = page.rng.choice((8, 9, 10, 11)), page.rng.choice(FONTS[:2])
        for _ in range(page.rng.randint(3, 6)):
            page.line(points, name=name)
        page.gap()
    return page.sheet()


def light_letter(seed: int) -> Sheet:
    """Grey and pale text, and white text on dark bars."""
    page = Writer(seed)
    while page.room:
        points, name = page.rng.choice((9, 10, 11)), page.rng.choice(FONTS)
        if page.rng.random() < 0.3:
            _bar(page, points)
        else:
            ink = page.rng.choice(((150, 150, 150), (170, 170, 170), (120, 150, 190), (190, 130, 120), (40, 40, 40)))
            for _ in range(page.rng.randint(2, 4)):
                page.line(points, ink, name)
        page.gap()
    return page.sheet()


def _bar(page: Writer, points: float) -> None:
    ground = page.rng.choice(((0, 0, 0), (30, 60, 110), (120, 30, 40), (80, 80, 80), (0, 95, 90)))
    bar = (page.inch(0.7), page.top, page.inch(7.57), page.top + page.inch(0.34))
    page.draw.rectangle(bar, fill=ground)
    page.top += page.inch(0.06)
    page.line(points, WHITE, FONTS[2])
    page.top = bar[3] + page.inch(0.08)


def mixed_letter(seed: int) -> Sheet:
    """Text with a photograph in the middle of the page."""
    page = Writer(seed)
    pictures = []
    for part in range(2):
        for _ in range(page.rng.randint(9, 12)):
            page.line(page.rng.choice((9, 10, 11)))
        page.gap(0.2)
        if not part:
            width, height = page.inch(page.rng.uniform(3.5, 5.5)), page.inch(page.rng.uniform(2.5, 3.5))
            box = (page.inch(1.2), page.top, page.inch(1.2) + width, page.top + height)
            page.image.paste(photograph(seed, (width, height)), box[:2])
            pictures.append(box)
            page.top = box[3] + page.inch(0.25)
    return page.sheet(*pictures)


def photo_page(seed: int) -> Sheet:
    """A photograph over the whole page."""
    page = blank()
    page.paste(photograph(seed, page.size), (0, 0))
    return Sheet(page, "", (corners_of((0, 0, *page.size)),))


def photograph(seed: int, size: tuple[int, int]) -> Image.Image:
    """What a camera sees: sky above, rough ground below, round things lit from one side."""
    rng = random.Random(seed)  # noqa: S311
    small = (max(64, size[0] // 4), max(64, size[1] // 4))
    sky = ImageChops.add(_gradient(small, 235, 150), _clouds(rng, small, (3, 6, 12)), 1, -128)
    earth = ImageChops.add(_gradient(small, 150, 60), _clouds(rng, small, (12, 25, 50, 100, 200)), 1, -128)
    horizon = Image.new("L", small, 0)
    hill = [(x, round(small[1] * (0.5 + 0.1 * rng.random()))) for x in range(0, small[0] + 40, 40)]
    ImageDraw.Draw(horizon).polygon([*hill, (small[0], small[1]), (0, small[1])], fill=255)
    scene = Image.composite(earth, sky, horizon.filter(ImageFilter.GaussianBlur(2)))
    for _ in range(rng.randint(3, 7)):
        _ball(rng, scene)
    large = scene.resize(size, Image.Resampling.BICUBIC)
    tint = rng.choice(((1.0, 0.95, 0.85), (0.9, 1.0, 0.9), (0.9, 0.95, 1.0)))
    return Image.merge("RGB", [large.point(lambda v, k=k: min(255, round(v * k))) for k in tint])


def _gradient(size: tuple[int, int], top: int, bottom: int) -> Image.Image:
    column = Image.new("L", (1, 16))
    column.putdata([round(top + (bottom - top) * y / 15) for y in range(16)])
    return column.resize(size, Image.Resampling.BICUBIC)


def _clouds(rng: random.Random, size: tuple[int, int], octaves: Sequence[int]) -> Image.Image:
    """Noise around 128 of several sizes, the coarse the strongest."""
    found = Image.new("L", size, 128)
    for place, cells in enumerate(octaves):
        coarse = Image.new("L", (cells, max(2, cells * size[1] // size[0])))
        coarse.putdata([round(128 + rng.gauss(0, 34 / (1 + place * 0.6))) for _ in range(coarse.width * coarse.height)])
        found = ImageChops.add(found, coarse.resize(size, Image.Resampling.BICUBIC), 1, -128)
    return found


def _ball(rng: random.Random, scene: Image.Image) -> None:
    radius = rng.randint(scene.width // 16, scene.width // 5)
    at = (rng.randint(0, scene.width - radius), rng.randint(scene.height // 4, scene.height - radius // 2))
    shade = ImageChops.invert(Image.radial_gradient("L")).resize((2 * radius, 2 * radius))
    shape = Image.new("L", shade.size, 0)
    ImageDraw.Draw(shape).ellipse((radius // 2, radius // 2, 3 * radius // 2, 3 * radius // 2), fill=255)
    low, high = rng.randint(10, 60), rng.randint(120, 250)
    scene.paste(shade.point(lambda v: low + (high - low) * v // 255), at, shape.filter(ImageFilter.GaussianBlur(1)))


@dataclass(frozen=True)
class Scanner:
    """What a scanner does to a page: it lies askew, the lens blurs, the sensor is noisy, the lamp uneven."""

    skew: float = 0.0
    noise: float = 6.0
    paper: int = 244
    blur: float = 0.6
    dim: float = 0.0
    """How much of the light is missing in the worst corner, 0 to 1."""

    def scanned(self, sheet: Sheet) -> Sheet:
        pictures = tuple(tuple(self._moved(corner, sheet.image.size) for corner in each) for each in sheet.pictures)
        return replace(sheet, image=self._scan(sheet.image), pictures=pictures)

    def _moved(self, corner: tuple[float, float], size: tuple[int, int]) -> tuple[float, float]:
        """Where a point of the page comes to lie: Pillow turns it against the clock about the middle."""
        x, y = corner[0] - size[0] / 2, corner[1] - size[1] / 2
        cos, sin = math.cos(math.radians(self.skew)), math.sin(math.radians(self.skew))
        return size[0] / 2 + x * cos + y * sin, size[1] / 2 - x * sin + y * cos

    def _scan(self, page: Image.Image) -> Image.Image:
        page = page.rotate(self.skew, Image.Resampling.BILINEAR, fillcolor=WHITE)
        page = page.filter(ImageFilter.GaussianBlur(self.blur)).point(lambda v: v * self.paper // 255)
        if self.dim:
            page = ImageChops.multiply(page, Image.merge("RGB", [self._light(page.size)] * 3))
        return ImageChops.add(page, self._grain(page.size), 1, -128)

    def _grain(self, size: tuple[int, int]) -> Image.Image:
        """Noise of each colour: a tile of it, laid anew and turned all over the page, for noise is slow to make."""
        tile = Image.merge("RGB", [noise((512, 512), self.noise, colour) for colour in range(3)])
        turned = [tile.transpose(turn) for turn in Image.Transpose]
        grain = Image.new("RGB", size)
        for number, (x, y) in enumerate((x, y) for y in range(0, size[1], 512) for x in range(0, size[0], 512)):
            grain.paste(turned[number * 3 % len(turned)], (x, y))
        return grain

    def _light(self, size: tuple[int, int]) -> Image.Image:
        """Light that falls off towards one corner, and the shadow of a fold."""
        coarse = Image.new("L", (24, 32))
        light = [
            1 - self.dim * (x / 23 * 0.6 + y / 31 * 0.4) - (0.15 if 13 < y < 19 else 0)
            for y in range(32)
            for x in range(24)
        ]
        coarse.putdata([max(40, round(255 * value)) for value in light])
        return coarse.resize(size, Image.Resampling.BICUBIC)


def scanner(seed: int, *, dim: float = 0.0) -> Scanner:
    """A scanner as they come."""
    rng = random.Random(seed * 7 + 1)  # noqa: S311
    return Scanner(rng.uniform(-2, 2), rng.uniform(4, 9), rng.randint(232, 250), rng.uniform(0.4, 0.9), dim)


def bilevel(sheet: Sheet, seed: int) -> Sheet:
    """Black and white as a scanner makes it: skewed, and here and there a speck."""
    rng = random.Random(seed)  # noqa: S311
    page = sheet.image.convert("L").rotate(rng.uniform(-2, 2), Image.Resampling.BILINEAR, fillcolor=255)
    page = page.point(lambda v: 255 if v >= 128 else 0, "1")
    for _ in range(400):
        page.putpixel((rng.randrange(page.width), rng.randrange(page.height)), 0)
    return replace(sheet, image=page)


def tiff_of(*sheets: Sheet, quality: int = 60) -> bytes:
    """The pages as the TIFF that a scanner sends: JPEG in colour, G4 in black and white."""
    file = io.BytesIO()
    first, *others = [sheet.image for sheet in sheets]
    how: dict[str, object] = {"compression": "jpeg", "quality": quality}
    if first.mode == "1":
        how = {"compression": "group4"}
    dpi = (sheets[0].dpi, sheets[0].dpi)
    first.save(file, "TIFF", dpi=dpi, save_all=True, append_images=others, **how)
    return file.getvalue()
