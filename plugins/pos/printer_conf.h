/*
 * The option `printers` (printer.h), read. Pure; [any].
 */
#ifndef POS_PRINTER_CONF_H
#define POS_PRINTER_CONF_H

#include "printer.h"

#include <sys/socket.h>

enum { POS_PRINTER_NAME_MAX = 65 }; /* STORE/TERMINAL, 32 characters each */

struct pos_printer_conf {
    char name[POS_PRINTER_NAME_MAX + 1];
    struct sockaddr_storage address;
    socklen_t address_n;
    struct pos_paper paper;
    bool cut_given;
    enum pos_cut cut;
    bool status; /* it answers */
    bool order;  /* GS r too: else a print is confirmed by its status alone */
    bool asb;
    bool again;
};

/* At most POS_PRINTERS_MAX into out; NULL: only looks. What is wrong, or NULL. */
const char *pos_printer_conf_read(struct hilo_str printers, struct pos_printer_conf *out, size_t *n_out);

#endif
