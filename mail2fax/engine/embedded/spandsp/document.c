/*
 * document.c - looks into a document by ourselves: into one that is to be sent, and into the pages of one that comes in.
 *
 * spandsp 0.0.6 takes a tiled page, a colour page or a page without RowsPerStrip for the end of the document or for
 * white paper, and ends with code 0; a wrong width it finds only in phase B, when the call is paid for. The documents
 * we send are our own TIFF-F, so any fault here is a fault of ours, and it is better found early.
 *
 * Receiving, it counts a page as come whatever became of it in the file, and tells the far end so. A page that cannot
 * be unpacked must not be confirmed.
 */
#include <tiffio.h>

#include <spandsp.h>

#include "document.h"

static int page_fault(TIFF *tiff)
{
    uint16_t bits = 1, samples = 1;
    uint32_t width = 0, rows_per_strip = 0;

    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    if (TIFFIsTiled(tiff) || bits != 1 || samples != 1)
        return T30_ERR_BADTIFF;
    if (!TIFFGetField(tiff, TIFFTAG_ROWSPERSTRIP, &rows_per_strip))
        return T30_ERR_BADTAG;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    /* A4, B4, A3 at 204 dots an inch (T.30 Table 2, bits 17 and 18). */
    if (width != 1728 && width != 2048 && width != 2432)
        return T30_ERR_BADTAG;
    return T30_ERR_OK;
}

int document_fault(const char *path, int start_page)
{
    TIFF *tiff;
    int page, fault = T30_ERR_OK;

    if ((tiff = TIFFOpen(path, "r")) == NULL)
        return T30_ERR_FILEERROR;
    for (page = 0; fault == T30_ERR_OK && TIFFSetDirectory(tiff, (tdir_t) page); page++)
        fault = page_fault(tiff);
    TIFFClose(tiff);
    /* Without the page to start with, t4_tx_init would also leave the file open. */
    return fault == T30_ERR_OK && page <= start_page ? T30_ERR_NOPAGE : fault;
}

static const char *rows_fault(TIFF *tiff)
{
    uint32_t width = 0, rows = 0, row;
    const char *fault = NULL;
    tdata_t pixels;

    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &rows);
    if (width == 0 || rows == 0 || TIFFIsTiled(tiff))
        return "the page has no rows";
    if ((pixels = _TIFFmalloc(TIFFScanlineSize(tiff))) == NULL)
        return "no memory to read the page again";
    for (row = 0; fault == NULL && row < rows; row++) {
        if (TIFFReadScanline(tiff, pixels, row, 0) < 0)
            fault = "the page cannot be read again";
    }
    _TIFFfree(pixels);
    return fault;
}

const char *received_fault(const char *path, int page)
{
    const char *fault;
    TIFF *tiff;

    /* m: not mapped into memory, where a disk that cannot give it back is SIGBUS, and the end of every call. */
    if ((tiff = TIFFOpen(path, "rm")) == NULL)
        return "the file cannot be read again";
    fault = TIFFSetDirectory(tiff, (tdir_t) (page - 1)) ? rows_fault(tiff) : "the page is not in the file";
    TIFFClose(tiff);
    return fault;
}
