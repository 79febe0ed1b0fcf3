/* Photographs as dots or lines: tones become areas of black, joined so that a fax machine prints them and T.6 codes
 * them shortly. Single pixels strewn about (Floyd-Steinberg) would take four times as long on the phone.
 */
#include "screen.h"
#include "grid.h"
#include "photo.h"

/* Of 256: what is lighter is white paper without a dot. What has been dots had them where they were wanted. */
#define LIGHTEST 236
#define LIGHTEST_DOTS 256

/* Dots at 45 degrees, two in a tile, growing from their middles and joining at half tone. */
static const uint8_t dots[8][10] = {
    {253, 218, 113, 46, 8, 24, 40, 110, 225, 237},
    {190, 177, 132, 81, 72, 62, 100, 129, 158, 199},
    {69, 84, 151, 167, 180, 196, 161, 148, 91, 53},
    {5, 43, 120, 228, 244, 234, 222, 116, 49, 14},
    {11, 27, 139, 212, 250, 241, 206, 135, 33, 21},
    {75, 88, 107, 171, 186, 202, 164, 104, 94, 59},
    {183, 174, 126, 78, 65, 56, 97, 123, 155, 193},
    {247, 209, 145, 37, 2, 18, 30, 142, 215, 231},
};
/* The same dots in standard resolution: the tile is as large on paper. */
static const uint8_t flat_dots[4][10] = {
    {246, 195, 118, 67, 29, 42, 93, 106, 170, 234},
    {16, 74, 144, 202, 208, 221, 176, 131, 99, 3},
    {48, 54, 125, 182, 240, 253, 157, 112, 80, 35},
    {227, 189, 150, 61, 10, 22, 86, 138, 163, 214},
};
/* Lines across the page, six pixels apart. T.6 codes the rows of a line that are all black, or all white, in a few bits:
 * the change of tone is in how many rows a line has. In standard resolution three rows would be too few tones. */
static const uint8_t lines[6] = {20, 105, 190, 232, 147, 62};
static const uint8_t flat_lines[4] = {32, 160, 224, 96};

static int tone_at(screen_t screen, int x, int y)
{
    if (screen.flat)
        return screen.lines ? flat_lines[y % 4] : flat_dots[y % 4][x % 10];
    return screen.lines ? lines[y % 6] : dots[y % 8][x % 10];
}

void screen_row(screen_t screen, int y, const uint8_t *photo, uint8_t *below, int width)
{
    for (int x = 0; x < width; x++) {
        int lightest = photo[x / CELL] == IN_DOTS ? LIGHTEST_DOTS : LIGHTEST;
        int level = photo[x / CELL] ? tone_at(screen, x, y) * screen.white / 256 * lightest / 256 : 0;

        if (level > below[x])
            below[x] = (uint8_t) level;
    }
}
