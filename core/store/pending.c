/*
 * One generation of the pending table. An entry, its key and its value lie in one
 * piece of memory, so that a hit touches few cache lines. A value that outgrows its
 * room moves to a new piece; the old one is lost until the generation goes, which the
 * growth by half bounds.
 *
 * Memory is cut from blocks, as in an arena, but a cleared generation keeps them (up to
 * KEEP_BLOCKS, and QUIET_BLOCKS of them when the traffic has ended) for the next: giving them back and
 * faulting them in again costs more than all the rest of a put. For the same reason a table's hash starts as
 * large as the last generation's came to be.
 *
 * Each table has a hash of its own (uthash) and, if ORDERED, a red-black tree
 * (sys/tree.h). uthash ends the process through check_nomem when there is no memory
 * for its buckets.
 */
#include "store/pending.h"
#include "base/check.h"
#include "base/str.h"
#include "store/context_table.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) check_nomem()
#include <uthash.h>
#include <bsd/sys/tree.h>

/* Used where a table is made: in hash_add, which has the variable. */
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#define HASH_INITIAL_NUM_BUCKETS      (1U << buckets_log2)
#define HASH_INITIAL_NUM_BUCKETS_LOG2 buckets_log2

enum {
    BLOCK_BYTES = 256 << 10,
    KEEP_BLOCKS = 128,             /* 32 MiB */
    QUIET_BLOCKS = 4,              /* 1 MiB */
    LARGE_BYTES = BLOCK_BYTES / 8, /* from here on a piece is a block by itself */
    BUCKETS_LOG2_MIN = 5,
    BUCKETS_LOG2_MAX = 17 /* to start with */
};

struct pending_block {
    struct pending_block *next;
    char data[];
};

struct pending_node {
    UT_hash_handle hh;
    char *val;
    uint32_t val_n, val_cap;
    uint16_t key_n; /* with the letter */
    bool dead;
    char key[]; /* the table's letter, the key, then the first room for the value */
};

/* Stands before the node if its table is ORDERED. */
struct pending_leaf {
    RB_ENTRY(pending_leaf) link;
};
_Static_assert(sizeof(struct pending_leaf) % _Alignof(struct pending_node) == 0, "the node follows at once");
RB_HEAD(pending_tree, pending_leaf);

struct pending {
    struct pending_block *used, *large, *kept; /* used: cut from at its first */
    char *at, *end;                            /* what is left of that */
    unsigned n_kept;
    uint64_t keys, bytes;
    struct pending_node *hash[TABLE__COUNT];
    unsigned buckets_log2[TABLE__COUNT]; /* to start with */
    struct pending_tree tree[TABLE__COUNT];
};

static struct hilo_str node_key(const struct pending_node *node)
{
    return str_n(node->key, node->key_n);
}

static const struct pending_node *node_of(const struct pending_leaf *leaf)
{
    return (const struct pending_node *)(leaf + 1);
}

static int node_cmp(const struct pending_node *a, const struct pending_node *b)
{
    return str_cmp(node_key(a), node_key(b));
}

static int leaf_cmp(const struct pending_leaf *a, const struct pending_leaf *b)
{
    return node_cmp(node_of(a), node_of(b));
}

/* All that the two macro libraries make is here, between the pragmas. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wconversion"
RB_GENERATE_INTERNAL(pending_tree, pending_leaf, link, leaf_cmp, static)

static struct pending_node *hash_find(struct pending_node *head, struct hilo_str key, uint32_t hash)
{
    struct pending_node *found;
    HASH_FIND_BYHASHVALUE(hh, head, key.p, key.n, hash, found);
    return found;
}

static void hash_add(struct pending_node **head, struct pending_node *node, uint32_t hash,
                     unsigned buckets_log2)
{
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, *head, node->key + 1, node->key_n - 1u, hash, node);
}

static void hash_clear(struct pending_node **head)
{
    HASH_CLEAR(hh, *head);
}

static size_t hash_bytes(const struct pending_node *head)
{
    return head ? sizeof *head->hh.tbl + head->hh.tbl->num_buckets * sizeof *head->hh.tbl->buckets : 0;
}
#pragma GCC diagnostic pop

/* ---- memory ---- */

static struct pending_block *block_new(size_t bytes)
{
    struct pending_block *block = malloc(sizeof *block + bytes);
    if (!block)
        check_nomem();
    return block;
}

static void blocks_free(struct pending_block **list)
{
    while (*list) {
        struct pending_block *block = *list;
        *list = block->next;
        free(block);
    }
}

/* Aligned for nodes, not zeroed. */
static char *piece_new(struct pending *p, size_t n)
{
    struct pending_block **list = &p->large, *block;
    char *piece;
    n = (n + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    p->bytes += n;
    if (n < LARGE_BYTES && n <= (size_t)(p->end - p->at)) {
        piece = p->at;
        p->at += n;
        return piece;
    }
    if (n >= LARGE_BYTES) {
        block = block_new(n);
    } else {
        list = &p->used;
        block = p->kept;
        if (block) {
            p->kept = block->next;
            p->n_kept--;
        } else {
            block = block_new(BLOCK_BYTES);
        }
        p->at = block->data + n;
        p->end = block->data + BLOCK_BYTES;
    }
    block->next = *list;
    *list = block;
    return block->data;
}

static void pieces_clear(struct pending *p)
{
    blocks_free(&p->large);
    while (p->used && p->n_kept < KEEP_BLOCKS) {
        struct pending_block *block = p->used;
        p->used = block->next;
        block->next = p->kept;
        p->kept = block;
        p->n_kept++;
    }
    blocks_free(&p->used);
    p->at = p->end = NULL;
    p->bytes = 0;
}

/* ---- the generation ---- */

struct pending *pending_new(void)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        check_nomem();
    for (unsigned i = 0; i < TABLE__COUNT; i++)
        p->buckets_log2[i] = BUCKETS_LOG2_MIN;
    return p;
}

/* Buckets for so many keys, one each. */
static unsigned fitting_log2(unsigned keys)
{
    unsigned log2 = BUCKETS_LOG2_MIN;
    while (log2 < BUCKETS_LOG2_MAX && 1u << log2 < keys)
        log2++;
    return log2;
}

void pending_clear(struct pending *p)
{
    for (unsigned i = 0; i < TABLE__COUNT; i++) {
        p->buckets_log2[i] = fitting_log2(HASH_COUNT(p->hash[i]));
        hash_clear(&p->hash[i]);
        RB_INIT(&p->tree[i]);
    }
    p->keys = 0;
    pieces_clear(p);
}

bool pending_trim(struct pending *p)
{
    bool any = p->n_kept > QUIET_BLOCKS;

    while (p->n_kept > QUIET_BLOCKS) {
        struct pending_block *block = p->kept;
        p->kept = block->next;
        p->n_kept--;
        free(block);
    }
    return any;
}

void pending_free(struct pending **p)
{
    if (!*p)
        return;
    pending_clear(*p);
    blocks_free(&(*p)->kept);
    free(*p);
    *p = NULL;
}

enum pending_found pending_find(const struct pending *p, enum table table, struct hilo_str key, uint32_t hash,
                                struct hilo_str *val_out)
{
    const struct pending_node *node = hash_find(p->hash[table], key, hash);
    if (!node)
        return PENDING_NONE;
    if (node->dead)
        return PENDING_DEAD;
    *val_out = str_n(node->val, node->val_n);
    return PENDING_VALUE;
}

/* The leaf before it is not yet in the tree; NULL if there is none. */
static struct pending_node *node_new(struct pending *p, enum table table, struct hilo_str key, size_t room,
                                     struct pending_leaf **leaf_out)
{
    size_t before = table_infos[table].ordered ? sizeof(struct pending_leaf) : 0;
    size_t bytes = before + sizeof(struct pending_node) + 1 + key.n + room;
    char *piece = piece_new(p, bytes);
    struct pending_node *node = (struct pending_node *)(void *)(piece + before);
    *leaf_out = before ? (struct pending_leaf *)(void *)piece : NULL;
    node->key_n = (uint16_t)(key.n + 1);
    node->key[0] = table_infos[table].letter;
    if (key.n)
        memcpy(node->key + 1, key.p, key.n);
    node->val = node->key + node->key_n;
    node->val_cap = (uint32_t)room;
    p->keys++;
    return node;
}

void pending_set(struct pending *p, enum table table, struct hilo_str key, uint32_t hash,
                 const struct hilo_str *val)
{
    size_t n = val ? val->n : 0;
    struct pending_node *node = hash_find(p->hash[table], key, hash);
    if (!node) {
        struct pending_leaf *leaf;
        node = node_new(p, table, key, n, &leaf);
        hash_add(&p->hash[table], node, hash, p->buckets_log2[table]);
        if (leaf)
            RB_INSERT(pending_tree, &p->tree[table], leaf);
    } else if (n > node->val_cap) {
        node->val_cap = (uint32_t)(n + n / 2);
        node->val = piece_new(p, node->val_cap);
    }
    if (n)
        memcpy(node->val, val->p, n);
    node->val_n = (uint32_t)n;
    node->dead = !val;
}

uint64_t pending_keys(const struct pending *p)
{
    return p->keys;
}

uint64_t pending_bytes(const struct pending *p)
{
    uint64_t bytes = p->bytes;
    for (unsigned i = 0; i < TABLE__COUNT; i++)
        bytes += hash_bytes(p->hash[i]);
    return bytes;
}

void pending_seek(struct pending *p, enum table table, struct hilo_str at, bool inclusive, bool reverse,
                  struct pending_iter *out)
{
    /* Down the tree, remembering the nearest leaf on the wanted side. */
    struct pending_leaf *leaf = RB_ROOT(&p->tree[table]), *best = NULL;
    while (leaf) {
        int c = str_cmp(node_key(node_of(leaf)), at);
        if (c == 0 && (inclusive || !reverse)) {
            best = leaf;
            break;
        }
        bool right = c < 0;
        if (right == reverse)
            best = leaf;
        leaf = right ? RB_RIGHT(leaf, link) : RB_LEFT(leaf, link);
    }
    *out = (struct pending_iter){best, reverse};
}

bool pending_item(const struct pending_iter *it, struct pending_item *out)
{
    if (!it->leaf)
        return false;
    const struct pending_node *node = node_of(it->leaf);
    *out = (struct pending_item){node_key(node), str_n(node->val, node->val_n), node->dead};
    return true;
}

void pending_next(struct pending_iter *it)
{
    it->leaf = it->reverse ? RB_PREV(pending_tree, NULL, it->leaf) : RB_NEXT(pending_tree, NULL, it->leaf);
}

/* Sorting moves these, not the entries, and mostly compares without touching them:
 * head is the first eight bytes after the letter, big-endian. */
struct sort_item {
    uint64_t head;
    const struct pending_node *node;
};

static uint64_t key_head(const struct pending_node *node)
{
    uint64_t head = 0;
    size_t n = node->key_n - 1u;
    memcpy(&head, node->key + 1, n < 8 ? n : 8);
    return be64toh(head);
}

static int sort_cmp(const void *a, const void *b)
{
    const struct sort_item *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return node_cmp(x->node, y->node);
}

static int32_t hand(const struct pending_node *node, int32_t (*fn)(void *arg, const struct pending_item *),
                    void *arg)
{
    struct pending_item item = {node_key(node), str_n(node->val, node->val_n), node->dead};
    return fn(arg, &item);
}

int32_t pending_sorted(struct pending *p, int32_t (*fn)(void *arg, const struct pending_item *), void *arg)
{
    enum table order[TABLE__COUNT];
    struct sort_item *items = NULL;
    int32_t rc = HILO_OK;
    size_t most = 0;

    table_order(order);
    for (unsigned i = 0; i < TABLE__COUNT; i++)
        if (!table_infos[i].ordered && p->hash[i] && HASH_COUNT(p->hash[i]) > most)
            most = HASH_COUNT(p->hash[i]);
    if (most && !(items = calloc(most, sizeof *items)))
        return HILO_NOMEM;

    for (unsigned i = 0; i < TABLE__COUNT && rc == HILO_OK; i++) {
        if (table_infos[order[i]].ordered) {
            struct pending_leaf *leaf;
            for (leaf = RB_MIN(pending_tree, &p->tree[order[i]]); leaf && rc == HILO_OK;
                 leaf = RB_NEXT(pending_tree, NULL, leaf))
                rc = hand(node_of(leaf), fn, arg);
            continue;
        }
        size_t n = 0;
        for (struct pending_node *node = p->hash[order[i]]; node; node = node->hh.next)
            items[n++] = (struct sort_item){key_head(node), node};
        if (n > 1)
            qsort(items, n, sizeof *items, sort_cmp);
        for (size_t k = 0; k < n && rc == HILO_OK; k++)
            rc = hand(items[k].node, fn, arg);
    }
    free(items);
    return rc;
}
