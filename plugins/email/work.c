/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "work.h"

#include <pthread.h>
#include <stdlib.h>

struct works {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct work *todo, **todo_end, *ran, **ran_end; /* under the lock */
    bool ending;
    void (*wake)(void *);
    void *arg;
    size_t n;
    pthread_t thread[];
};

static void *works_main(void *arg)
{
    struct works *all = arg;
    struct work *w;
    bool first;

    (void)pthread_mutex_lock(&all->lock);
    while (!all->ending) {
        w = all->todo;
        if (!w) {
            (void)pthread_cond_wait(&all->more, &all->lock);
            continue;
        }
        all->todo = w->next;
        if (!all->todo)
            all->todo_end = &all->todo;
        (void)pthread_mutex_unlock(&all->lock);
        w->run(w);
        (void)pthread_mutex_lock(&all->lock);
        w->next = NULL;
        first = !all->ran;
        *all->ran_end = w;
        all->ran_end = &w->next;
        if (first && !all->ending)
            all->wake(all->arg);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return NULL;
}

struct works *works_new(size_t threads, void (*wake)(void *), void *arg)
{
    struct works *all = calloc(1, sizeof *all + threads * sizeof all->thread[0]);

    if (!all)
        return NULL;
    all->todo_end = &all->todo;
    all->ran_end = &all->ran;
    all->wake = wake;
    all->arg = arg;
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_cond_init(&all->more, NULL);
    for (; all->n < threads; all->n++) {
        if (pthread_create(&all->thread[all->n], NULL, works_main, all) != 0) {
            works_free(all);
            return NULL;
        }
    }
    return all;
}

void works_put(struct works *all, struct work *w)
{
    (void)pthread_mutex_lock(&all->lock);
    w->next = NULL;
    *all->todo_end = w;
    all->todo_end = &w->next;
    (void)pthread_cond_signal(&all->more);
    (void)pthread_mutex_unlock(&all->lock);
}

void works_woken(struct works *all)
{
    struct work *w, *next;

    (void)pthread_mutex_lock(&all->lock);
    w = all->ran;
    all->ran = NULL;
    all->ran_end = &all->ran;
    (void)pthread_mutex_unlock(&all->lock);
    for (; w; w = next) {
        next = w->next; /* done() may free it */
        w->done(w);
    }
}

void works_stop(struct works *all)
{
    (void)pthread_mutex_lock(&all->lock);
    all->ending = true;
    (void)pthread_cond_broadcast(&all->more);
    (void)pthread_mutex_unlock(&all->lock);
    while (all->n)
        (void)pthread_join(all->thread[--all->n], NULL);
}

void works_free(struct works *all)
{
    if (!all)
        return;
    works_stop(all);
    (void)pthread_cond_destroy(&all->more);
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
}
