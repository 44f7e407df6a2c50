/* SMPP 3.4 on the wire, as an SMSC reads and writes it: written from the specification (issue 1.2), for this
 * simulator alone. Pure: bytes in, structs out, and the other way. */
#ifndef SIM_SMSC_SMPP_H
#define SIM_SMSC_SMPP_H

#include "util.h"

enum {
    GENERIC_NACK = 0x80000000u,
    BIND_RECEIVER = 0x1,
    BIND_TRANSMITTER = 0x2,
    QUERY_SM = 0x3,
    SUBMIT_SM = 0x4,
    DELIVER_SM = 0x5,
    UNBIND = 0x6,
    REPLACE_SM = 0x7,
    CANCEL_SM = 0x8,
    BIND_TRANSCEIVER = 0x9,
    OUTBIND = 0xb,
    ENQUIRE_LINK = 0x15,
    SUBMIT_MULTI = 0x21,
    ALERT_NOTIFICATION = 0x102,
    DATA_SM = 0x103,
    RESPONSE = 0x80000000u
};
enum {
    ESME_ROK = 0,
    ESME_RINVMSGLEN = 1,
    ESME_RINVCMDLEN = 2,
    ESME_RINVCMDID = 3,
    ESME_RINVBNDSTS = 4,
    ESME_RALYBND = 5,
    ESME_RSYSERR = 8,
    ESME_RINVSRCADR = 0xa,
    ESME_RINVDSTADR = 0xb,
    ESME_RINVMSGID = 0xc,
    ESME_RBINDFAIL = 0xd,
    ESME_RINVPASWD = 0xe,
    ESME_RINVSYSID = 0xf,
    ESME_RCANCELFAIL = 0x11,
    ESME_RMSGQFUL = 0x14,
    ESME_RINVESMCLASS = 0x43,
    ESME_RINVDSTTON = 0x50,
    ESME_RINVDSTNPI = 0x51,
    ESME_RINVSYSTYP = 0x53,
    ESME_RTHROTTLED = 0x58,
    ESME_RINVSCHED = 0x61,
    ESME_RINVEXPIRY = 0x62,
    ESME_RX_T_APPN = 0x64,
    ESME_RX_P_APPN = 0x65,
    ESME_RX_R_APPN = 0x66,
    ESME_RINVOPTPARSTREAM = 0xc0,
    ESME_ROPTPARNOTALLWD = 0xc1
};
enum {
    TLV_RECEIPTED_MESSAGE_ID = 0x1e,
    TLV_SAR_REF = 0x20c,
    TLV_SAR_TOTAL = 0x20e,
    TLV_SAR_INDEX = 0x20f,
    TLV_SC_VERSION = 0x210,
    TLV_NETWORK_ERROR = 0x423,
    TLV_PAYLOAD = 0x424,
    TLV_STATE = 0x427
};
enum { HEADER = 16, PDU_MAX = 70000, TLVS_MAX = 32 };

const char *command_name(uint32_t id);  /* "submit_sm"; NULL: no PDU of SMPP */
uint32_t command_by_name(const char *); /* 0: none */

struct head {
    uint32_t length, id, status, seq;
};
void head_read(const uint8_t p[HEADER], struct head *);

struct bind {
    char system_id[17], password[17], system_type[17], range[42];
    uint8_t version, ton, npi;
};
struct tlv {
    uint16_t tag, n;
    const uint8_t *p;
};
/* A message of submit_sm, deliver_sm or data_sm. The bytes that it points to are its PDU's. */
struct sm {
    char service[7], source[66], dest[66], schedule[18], validity[18];
    uint8_t source_ton, source_npi, dest_ton, dest_npi, esm_class, protocol, priority, registered, replace,
        coding, default_id;
    const uint8_t *text;
    size_t n;
    struct tlv tlv[TLVS_MAX];
    unsigned n_tlv;
};
/* 0, or the status to answer with and in words what is wrong. */
uint32_t bind_read(const uint8_t *p, size_t n, struct bind *, const char **why);
uint32_t sm_read(uint32_t command, const uint8_t *p, size_t n, struct sm *, const char **why);
const struct tlv *sm_tlv(const struct sm *, uint16_t tag);
/* The id, and the addresses, of query_sm (with_dest false) and cancel_sm. */
uint32_t ask_read(const uint8_t *p, size_t n, bool cancel, char id[66], char source[22], char dest[22]);
/* The message_id of a deliver_sm_resp is left unread; TLVs are checked. */

/* A PDU to be filled: header first, its length set by pdu_end. */
size_t pdu_begin(struct sbuf *, uint32_t id, uint32_t status, uint32_t seq);
void pdu_u8(struct sbuf *, unsigned);
void pdu_text(struct sbuf *, const char *); /* with its NUL */
void pdu_tlv(struct sbuf *, uint16_t tag, const void *, size_t);
void pdu_end(struct sbuf *, size_t begin);
/* The body of a deliver_sm (or data_sm) of this message. */
void sm_write(struct sbuf *, uint32_t command, const struct sm *);

#endif
