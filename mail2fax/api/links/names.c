/* See names.h. */
#include "names.h"

#include <string.h>

#define INCOMING_BIT 47
#define NO_BLOCK UINT64_MAX

/* A fax as it stands in the text, and where the text goes on at it; both 0 where there is no fax. */
typedef struct {
    uint64_t number;
    const char *at;
} fax_t;

static int value_of(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

static fax_t fax_behind(const char *mark, const char *end)
{
    fax_t fax = {0, mark + 1};

    if (end - fax.at < NAMES_FAX_DIGITS)
        return (fax_t){0, NULL};
    for (int i = 0; i < NAMES_FAX_DIGITS; i++) {
        int value = value_of(fax.at[i]);
        if (value < 0)
            return (fax_t){0, NULL};
        fax.number = fax.number << 4 | (uint64_t) value;
    }
    return fax;
}

/* Whether the proofs of another block are wanted now: `current` are the blocks of both directions. */
static int turns_to_another(uint64_t current[2], const fax_t *fax)
{
    uint64_t block = fax->number / NAMES_IN_A_BLOCK, *mine = &current[fax->number >> INCOMING_BIT];

    if (*mine == block)
        return 0;
    *mine = block;
    return 1;
}

size_t names_count(const char *text, size_t size)
{
    const char *end = text + size, *mark = text;
    size_t found = 0;

    while ((mark = memchr(mark, NAMES_MARK, (size_t) (end - mark)))) {
        mark++;
        found++;
    }
    return found;
}

ptrdiff_t names_blocks(const char *text, size_t size, uint64_t *blocks, size_t room)
{
    const char *end = text + size, *mark = text;
    uint64_t current[2] = {NO_BLOCK, NO_BLOCK};
    size_t found = 0;

    while ((mark = memchr(mark, NAMES_MARK, (size_t) (end - mark)))) {
        fax_t fax = fax_behind(mark, end);
        if (!fax.at)
            return -1;
        if (turns_to_another(current, &fax)) {
            if (found == room)
                return -1;
            blocks[found++] = fax.number / NAMES_IN_A_BLOCK;
        }
        mark = fax.at;
    }
    return (ptrdiff_t) found;
}

/* Where the next piece is written, and how much room there is. */
typedef struct {
    char *at;
    size_t room;
} target_t;

static int put(target_t *target, const char *piece, size_t size)
{
    if (size > target->room)
        return 0;
    memcpy(target->at, piece, size);
    target->at += size;
    target->room -= size;
    return 1;
}

ptrdiff_t names_write(const char *text, size_t size, const char *outgoing, size_t outgoing_size, const char *incoming,
                      size_t incoming_size, const char *proofs, size_t proofs_size, char *target, size_t target_size)
{
    const char *end = text + size, *from = text, *mark;
    const char *folder[2] = {outgoing, incoming}, *block[2] = {NULL, NULL}, *next = proofs;
    size_t folder_size[2] = {outgoing_size, incoming_size};
    uint64_t current[2] = {NO_BLOCK, NO_BLOCK};
    target_t out = {target, target_size};

    while ((mark = memchr(from, NAMES_MARK, (size_t) (end - from)))) {
        fax_t fax = fax_behind(mark, end);
        int way = (int) (fax.number >> INCOMING_BIT);
        if (!fax.at)
            return -1;
        if (turns_to_another(current, &fax)) {
            if ((size_t) (proofs + proofs_size - next) < NAMES_BLOCK_SIZE)
                return -1;
            block[way] = next;
            next += NAMES_BLOCK_SIZE;
        }
        if (!put(&out, from, (size_t) (mark - from)) || !put(&out, folder[way], folder_size[way])
            || !put(&out, block[way] + fax.number % NAMES_IN_A_BLOCK * NAMES_PROOF_DIGITS, NAMES_PROOF_DIGITS))
            return -1;
        from = fax.at;
    }
    if (!put(&out, from, (size_t) (end - from)))
        return -1;
    return out.at - target;
}
