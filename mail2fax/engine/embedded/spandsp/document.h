/* document.h - is this a document that spandsp sends as it is? */
#ifndef MAIL2FAX_SPANDSP_DOCUMENT_H
#define MAIL2FAX_SPANDSP_DOCUMENT_H

/* Reads the tags of every page of the TIFF `path`: T30_ERR_OK, or the completion code of what is wrong with it.
   Its data is not decoded; damage there shows when spandsp reads the page. */
int document_fault(const char *path, int start_page);

#endif
