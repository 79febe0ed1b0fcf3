/* document.h - is this a document that spandsp sends as it is, and can what it has received be read? */
#ifndef MAIL2FAX_SPANDSP_DOCUMENT_H
#define MAIL2FAX_SPANDSP_DOCUMENT_H

/* Reads the tags of every page of the TIFF `path`: T30_ERR_OK, or the completion code of what is wrong with it.
   Its data is not decoded; damage there shows when spandsp reads the page. */
int document_fault(const char *path, int start_page);

/* Unpacks page `page` (from 1) of the TIFF `path` that spandsp is writing; NULL, or what is wrong with it. What libtiff
   has to say against it, its handlers hear. */
const char *received_fault(const char *path, int page);

#endif
