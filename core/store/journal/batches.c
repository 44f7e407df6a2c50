/* Lists of batches in memory; they own them. */
#include "store/journal/internal.h"
#include <stdlib.h>

void batch_list_add(struct batch_list *list, struct batch *b)
{
    b->next = NULL;
    if (list->tail)
        list->tail->next = b;
    else
        list->head = b;
    list->tail = b;
}

const struct batch *batch_list_find(const struct batch_list *list, position at)
{
    for (const struct batch *b = list->head; b; b = b->next)
        if (POSITION_SEGMENT(at) == b->seg.number && POSITION_OFFSET(at) >= b->offset &&
            POSITION_OFFSET(at) - b->offset < b->n)
            return b;
    return NULL;
}

void batch_list_free(struct batch_list *list)
{
    while (list->head) {
        struct batch *b = list->head;
        list->head = b->next;
        free(b->p);
        free(b);
    }
    list->tail = NULL;
}
