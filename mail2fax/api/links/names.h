/* The names of documents, put into an answer of thousands of faxes. Pure functions over the caller's memory.
 *
 * A text has a mark wherever the beginning of a URL belongs, and behind each mark the fax that it leads to: 12
 * hexadecimal digits, of which the highest bit tells those that came in. The beginning of a URL is a folder and the proof
 * of the fax, 40 characters. Proofs are made for 64 faxes at once, a block: those whose numbers differ in the lowest six
 * bits only. They stand in a block in the order of these numbers.
 */
#ifndef MAIL2FAX_NAMES_H
#define MAIL2FAX_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define NAMES_MARK 0x1d
#define NAMES_FAX_DIGITS 12
#define NAMES_PROOF_DIGITS 40
#define NAMES_IN_A_BLOCK 64
#define NAMES_BLOCK_SIZE (NAMES_IN_A_BLOCK * NAMES_PROOF_DIGITS)

/* cdef begins */
/* How many marks a text has. */
size_t names_count(const char *text, size_t size);

/* The blocks that `names_write` wants for this text, in its order, into `blocks`. One is wanted anew whenever a fax has
 * another than the fax before it of its own direction. How many there are; -1 when they are more than `room`, or a mark
 * has no fax behind it. */
ptrdiff_t names_blocks(const char *text, size_t size, uint64_t *blocks, size_t room);

/* The text with the URLs in it, into `target`, by the proofs of those blocks. Its length; -1 when there are not as many
 * proofs as that, `target` is too small, or a mark has no fax behind it. */
ptrdiff_t names_write(const char *text, size_t size, const char *outgoing, size_t outgoing_size, const char *incoming,
                      size_t incoming_size, const char *proofs, size_t proofs_size, char *target, size_t target_size);
/* cdef ends */

#endif
