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
/* Lines across the page, six pixels apart. T.6 codes the rows of a line that are all black, or all white, in a few bits:
 * the change of tone is in how many rows a line has. */
static const uint8_t lines[6] = {20, 105, 190, 232, 147, 62};

void screen_row(int screen, int white, int y, const uint8_t *photo, uint8_t *below, int width)
{
    for (int x = 0; x < width; x++) {
        int tone = screen ? lines[y % 6] : dots[y % 8][x % 10];
        int lightest = photo[x / CELL] == IN_DOTS ? LIGHTEST_DOTS : LIGHTEST;
        int level = photo[x / CELL] ? tone * white / 256 * lightest / 256 : 0;

        if (level > below[x])
            below[x] = (uint8_t) level;
    }
}
