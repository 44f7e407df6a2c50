/*
 * The SMS plugin's codec against one that we did not write, Debian's libsmpp34: random PDUs
 * are the same octets from both, and each reads what the other wrote.
 *
 * What a PDU has is taken from the library's own frames, not from pdu.def; a field is found
 * in ours by its name.
 */
#include "sms_check.h"

#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
#include <libsmpp34/smpp34_params.h>

enum kind { OCTET, STRING, MESSAGE, OPTIONAL };

/* A field of a frame: its name, where the library's structure has it, and how long it may be. */
struct field {
    const char *name;
    size_t at, size;
    enum kind kind;
};
struct frame {
    struct field field[24];
    unsigned n;
};

#undef U08
#undef C_OCTET
#undef O_C_OCTET
#undef OCTET8
#undef TLV
#define PUT(par, size, kind)                                                                                 \
    f->field[f->n++] = (struct field)                                                                        \
    {                                                                                                        \
#par, offsetof(THEIRS, par), (size), (kind)                                                          \
    }
#define U08(inst, par, text)            PUT(par, 1, OCTET)
#define C_OCTET(inst, par, size)        PUT(par, size, STRING)
#define O_C_OCTET(inst, par, size)      PUT(par, size, STRING)
#define OCTET8(inst, par, size, length) PUT(par, size, MESSAGE)
#define TLV(inst, par, operation)       PUT(par, 1, OPTIONAL)
#define FRAME_OF(name)                  static void frame_##name(struct frame *f)

#define THEIRS bind_receiver_t
FRAME_OF(bind){
#include <libsmpp34/def_frame/bind_receiver.frame>
}
#undef THEIRS
#define THEIRS bind_receiver_resp_t
FRAME_OF(bind_resp){
#include <libsmpp34/def_frame/bind_receiver_resp.frame>
}
#undef THEIRS
#define THEIRS outbind_t
FRAME_OF(outbind){
#include <libsmpp34/def_frame/outbind.frame>
}
#undef THEIRS
#define THEIRS submit_sm_t
FRAME_OF(submit_sm){
#include <libsmpp34/def_frame/submit_sm.frame>
}
#undef THEIRS
#define THEIRS submit_sm_resp_t
FRAME_OF(submit_sm_resp){
#include <libsmpp34/def_frame/submit_sm_resp.frame>
}
#undef THEIRS
#define THEIRS deliver_sm_t
FRAME_OF(deliver_sm){
#include <libsmpp34/def_frame/deliver_sm.frame>
}
#undef THEIRS
#define THEIRS deliver_sm_resp_t
FRAME_OF(deliver_sm_resp){
#include <libsmpp34/def_frame/deliver_sm_resp.frame>
}
#undef THEIRS
#define THEIRS data_sm_t
FRAME_OF(data_sm){
#include <libsmpp34/def_frame/data_sm.frame>
}
#undef THEIRS
#define THEIRS data_sm_resp_t
FRAME_OF(data_sm_resp){
#include <libsmpp34/def_frame/data_sm_resp.frame>
}
#undef THEIRS
#define THEIRS query_sm_t
FRAME_OF(query_sm){
#include <libsmpp34/def_frame/query_sm.frame>
}
#undef THEIRS
#define THEIRS query_sm_resp_t
FRAME_OF(query_sm_resp){
#include <libsmpp34/def_frame/query_sm_resp.frame>
}
#undef THEIRS
#define THEIRS cancel_sm_t
FRAME_OF(cancel_sm){
#include <libsmpp34/def_frame/cancel_sm.frame>
}
#undef THEIRS
#define THEIRS replace_sm_t
FRAME_OF(replace_sm){
#include <libsmpp34/def_frame/replace_sm.frame>
}
#undef THEIRS
#define THEIRS alert_notification_t
FRAME_OF(alert)
{
#include <libsmpp34/def_frame/alert_notification.frame>
}
#undef THEIRS
static void frame_empty(struct frame *f)
{
    f->n = 0;
}

static const struct judged {
    uint32_t id;
    void (*frame)(struct frame *);
} judged[] = {
    {BIND_RECEIVER, frame_bind},
    {BIND_TRANSMITTER, frame_bind},
    {BIND_TRANSCEIVER, frame_bind},
    {BIND_RECEIVER_RESP, frame_bind_resp},
    {BIND_TRANSMITTER_RESP, frame_bind_resp},
    {BIND_TRANSCEIVER_RESP, frame_bind_resp},
    {OUTBIND, frame_outbind},
    {SUBMIT_SM, frame_submit_sm},
    {SUBMIT_SM_RESP, frame_submit_sm_resp},
    {DELIVER_SM, frame_deliver_sm},
    {DELIVER_SM_RESP, frame_deliver_sm_resp},
    {DATA_SM, frame_data_sm},
    {DATA_SM_RESP, frame_data_sm_resp},
    {QUERY_SM, frame_query_sm},
    {QUERY_SM_RESP, frame_query_sm_resp},
    {CANCEL_SM, frame_cancel_sm},
    {CANCEL_SM_RESP, frame_empty},
    {REPLACE_SM, frame_replace_sm},
    {REPLACE_SM_RESP, frame_empty},
    {ALERT_NOTIFICATION, frame_alert},
    {UNBIND, frame_empty},
    {UNBIND_RESP, frame_empty},
    {ENQUIRE_LINK, frame_empty},
    {ENQUIRE_LINK_RESP, frame_empty},
    {GENERIC_NACK, frame_empty},
};

/* Any of the library's structures; all begin alike. */
union theirs {
    struct {
        uint32_t command_length, command_id, command_status, sequence_number;
    } head;
    submit_sm_t submit;
    submit_multi_t multi;
    submit_multi_resp_t multi_resp;
    bind_receiver_t bind;
    alert_notification_t alert;
    char room[4096];
};

/* ---- our fields by name ------------------------------------------------------------------ */

static void *ours_at(struct sms_pdu *p, const char *name)
{
    static const struct {
        const char *name;
        size_t at;
    } t[] = {
#define STR(field, max) {#field, offsetof(struct sms_pdu, field)},
#define U8(field)       {#field, offsetof(struct sms_pdu, field)},
#define SM(field)       {#field, offsetof(struct sms_pdu, field)},
#define DESTS(n, list)
#define FAILED(n, list)
#define SMS_LAYOUT(name, ...) __VA_ARGS__
#include "../../plugins/sms/pdu.def"
#undef STR
#undef U8
#undef SM
#undef DESTS
#undef FAILED
    };
    size_t i;

    for (i = 0; i < sizeof t / sizeof *t; i++) {
        if (strcmp(t[i].name, name) == 0)
            return (char *)p + t[i].at;
    }
    fail_msg("struct sms_pdu has no %s", name);
    return NULL;
}

/* ---- random values ------------------------------------------------------------------------ */

static uint32_t seed = 2026;

static uint32_t any(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static uint8_t any_octet(const char *name)
{
    /* The library takes only versions, types and plans that exist. */
    static const uint8_t npi[] = {0, 1, 3, 4, 6, 8, 9, 10, 14, 18};

    if (strcmp(name, "interface_version") == 0)
        return 0x34;
    if (strstr(name, "_ton"))
        return (uint8_t)any(7);
    if (strstr(name, "_npi"))
        return npi[any(sizeof npi)];
    return (uint8_t)any(256);
}

/* Up to three TLVs in both forms: octets, and the library's list. */
static void any_tlvs(uint32_t id, struct sms_out *octets, tlv_t **list)
{
    static const struct {
        uint32_t id;
        uint16_t tag;
        unsigned octets; /* 0: as many as there happen to be */
    } t[] = {
        {BIND_RECEIVER_RESP, 0x0210, 1},
        {ALERT_NOTIFICATION, 0x0422, 1},
        {DELIVER_SM, 0x0427, 1},
        {DELIVER_SM, 0x0424, 0},
        {SUBMIT_SM, 0x0204, 2},
        {SUBMIT_SM, 0x020c, 2},
        {SUBMIT_SM, 0x020e, 1},
        {SUBMIT_SM, 0x020f, 1},
        {SUBMIT_SM, 0x0424, 0},
        {SUBMIT_SM, 0x1400, 0},
        {DATA_SM, 0x0424, 0},
        {DATA_SM, 0x020a, 2},
        {DATA_SM, 0x0426, 1},
    };
    static tlv_t some[3];
    unsigned n = 0, tries, k, length;
    uint8_t value[1024];

    for (tries = any(12); tries && n < 3; tries--) {
        size_t i = any(sizeof t / sizeof *t);

        if (t[i].id != id)
            continue;
        length = t[i].octets ? t[i].octets : any(sizeof value);
        for (k = 0; k < length; k++)
            value[k] = (uint8_t)any(256);
        memset(&some[n], 0, sizeof some[n]);
        some[n].tag = t[i].tag;
        some[n].length = (uint16_t)length;
        if (t[i].octets == 1)
            some[n].value.val08 = value[0];
        else if (t[i].octets == 2)
            some[n].value.val16 = (uint16_t)(value[0] << 8 | value[1]);
        else
            memcpy(some[n].value.octet, value, length);
        n++;
        assert_int_equal(sms_tlv_put(octets, t[i].tag, (struct hilo_str){(const char *)value, length}),
                         HILO_OK);
    }
    /* The library puts each before the others. */
    while (n)
        assert_int_equal(build_tlv(list, &some[--n]), 0);
}

/* The same PDU in both forms. tlvs: room for ours, after the 4 octets of a length. */
static void any_pdu(const struct judged *j, const struct frame *f, struct sms_pdu *ours, union theirs *theirs,
                    struct sms_out *tlvs, tlv_t **list)
{
    static const char letters[] = "0123456789abcdefABCDEF+ñ@ ";
    static char text[24][300];
    unsigned i, k, n, length = 0;

    memset(ours, 0, sizeof *ours);
    memset(theirs, 0, sizeof *theirs);
    theirs->head.command_id = ours->command_id = j->id;
    theirs->head.sequence_number = ours->sequence = 1 + any(0x7ffffffe);
    for (i = 0; i < f->n; i++) {
        const struct field *field = &f->field[i];
        uint8_t *at = (uint8_t *)theirs + field->at;
        struct hilo_str *str;

        switch (field->kind) {
        case OCTET:
            if (strcmp(field->name, "sm_length") == 0) {
                /* 254 is one too many for the library. */
                *at = (uint8_t)(length = any(any(2) ? 254 : 8));
                break;
            }
            *at = any_octet(field->name);
            *(uint8_t *)ours_at(ours, field->name) = *at;
            break;
        case STRING:
            n = any((uint32_t)field->size);
            for (k = 0; k < n; k++)
                text[i][k] = letters[any(sizeof letters - 1)];
            memcpy(at, text[i], n);
            str = ours_at(ours, field->name);
            *str = (struct hilo_str){text[i], n};
            break;
        case MESSAGE:
            for (k = 0; k < length; k++)
                at[k] = (uint8_t)(text[i][k] = (char)any(256));
            ours->short_message = (struct hilo_str){text[i], length};
            break;
        default:
            any_tlvs(j->id, tlvs, list);
            memcpy(at, list, sizeof *list);
            ours->tlvs = (struct hilo_str){(const char *)tlvs->p + 4, tlvs->n - 4};
        }
    }
}

/* What ours has is what theirs has. */
static void expect_same(const struct frame *f, struct sms_pdu *ours, const union theirs *theirs)
{
    const uint8_t *base = (const uint8_t *)theirs;
    unsigned i, length = 0;
    struct hilo_str *str;

    assert_int_equal(ours->command_id, theirs->head.command_id);
    assert_int_equal(ours->command_status, theirs->head.command_status);
    assert_int_equal(ours->sequence, theirs->head.sequence_number);
    for (i = 0; i < f->n; i++) {
        const struct field *field = &f->field[i];

        switch (field->kind) {
        case OCTET:
            if (strcmp(field->name, "sm_length") == 0)
                length = base[field->at];
            else
                assert_int_equal(*(uint8_t *)ours_at(ours, field->name), base[field->at]);
            break;
        case STRING:
            str = ours_at(ours, field->name);
            expect_bytes(str->p, str->n, base + field->at, strlen((const char *)base + field->at));
            break;
        case MESSAGE:
            expect_bytes(ours->short_message.p, ours->short_message.n, base + field->at, length);
            break;
        default:
            break;
        }
    }
}

/* What the library read is our TLVs, the last first. */
static void expect_same_tlvs(struct hilo_str tlvs, const tlv_t *list)
{
    const tlv_t *theirs[8];
    struct hilo_str value;
    unsigned n = 0;
    uint16_t tag;

    for (; list; list = list->next) {
        assert_true(n < 8);
        theirs[n++] = list;
    }
    while (sms_tlv_next(&tlvs, &tag, &value) == 1) {
        const uint8_t *p = (const uint8_t *)value.p;

        assert_true(n > 0);
        list = theirs[--n];
        assert_int_equal(list->tag, tag);
        assert_int_equal(list->length, value.n);
        if (tag == 0x0424 || tag == 0x1400)
            expect_bytes(list->value.octet, list->length, value.p, value.n);
        else if (value.n == 2)
            assert_int_equal(list->value.val16, p[0] << 8 | p[1]);
        else
            assert_int_equal(list->value.val08, p[0]);
    }
    assert_int_equal(n, 0);
}

static void test_random_pdus(void **state)
{
    static uint8_t theirs_octets[16384], ours_octets[16384], tlv_octets[8192];
    unsigned round, tlvs_seen = 0;

    (void)state;
    for (round = 0; round < 20000; round++) {
        const struct judged *j = &judged[any(sizeof judged / sizeof *judged)];
        struct sms_out out = {ours_octets, sizeof ours_octets, 0, 0};
        struct sms_out tlvs = {tlv_octets, sizeof tlv_octets, 4, 0};
        struct frame frame = {.n = 0};
        struct sms_pdu ours, read;
        union theirs theirs, back;
        tlv_t *list = NULL, *read_list = NULL;
        int n = 0;

        j->frame(&frame);
        any_pdu(j, &frame, &ours, &theirs, &tlvs, &list);
        tlvs_seen += ours.tlvs.n > 0;
        assert_int_equal(sms_pdu_encode(&ours, &out), HILO_OK);
        if (smpp34_pack(j->id, theirs_octets, sizeof theirs_octets, &n, &theirs))
            fail_msg("smpp34_pack of %#x: %s", j->id, smpp34_strerror);
        expect_bytes(ours_octets, out.n, theirs_octets, (size_t)n);

        memset(&back, 0, sizeof back);
        if (smpp34_unpack(j->id, &back, ours_octets, (int)out.n))
            fail_msg("smpp34_unpack of our %s: %s", sms_command_name(j->id), smpp34_strerror);
        expect_same(&frame, &ours, &back);
        if (frame.n && frame.field[frame.n - 1].kind == OPTIONAL) {
            memcpy(&read_list, (char *)&back + frame.field[frame.n - 1].at, sizeof read_list);
            expect_same_tlvs(ours.tlvs, read_list);
        }

        assert_int_equal(sms_pdu_decode(theirs_octets, (uint64_t)n, &read), HILO_OK);
        assert_int_equal(read.faults, 0);
        expect_same(&frame, &read, &theirs);
        expect_bytes(read.tlvs.p, read.tlvs.n, ours.tlvs.p, ours.tlvs.n);
        destroy_tlv(list);
        destroy_tlv(read_list);
    }
    assert_true(tlvs_seen > 300);
}

/* submit_multi and its answer, whose lists the frames do not tell. */
static void test_submit_multi(void **state)
{
    static uint8_t octets[4096];
    struct sms_pdu ours = {.command_id = SMS_SUBMIT_MULTI,
                           .sequence = 9,
                           .source_addr = LIT("600"),
                           .n_dests = 3,
                           .dests = LIT("\x01\x01\x01"
                                        "56911111111\0\x02"
                                        "list\0\x01\x02\x01"
                                        "922222222\0"),
                           .data_coding = 3,
                           .short_message = LIT("hola")};
    struct sms_out out = {octets, sizeof octets, 0, 0};
    union theirs theirs;
    dad_t *d, *turned = NULL;
    struct sms_pdu read;
    int n = 0;

    (void)state;
    assert_int_equal(sms_pdu_encode(&ours, &out), HILO_OK);
    memset(&theirs, 0, sizeof theirs);
    if (smpp34_unpack(SUBMIT_MULTI, &theirs, octets, (int)out.n))
        fail_msg("smpp34_unpack of our submit_multi: %s", smpp34_strerror);
    assert_int_equal(theirs.multi.number_of_dests, 3);
    assert_int_equal(theirs.multi.data_coding, 3);
    assert_int_equal(theirs.multi.sm_length, 4);
    assert_memory_equal(theirs.multi.short_message, "hola", 4);
    d = theirs.multi.dest_addr_def;
    /* The last first. */
    assert_string_equal((const char *)d->value.sme.destination_addr, "922222222");
    d = d->next;
    assert_int_equal(d->dest_flag, 2);
    assert_string_equal((const char *)d->value.dl_name, "list");
    assert_string_equal((const char *)d->next->value.sme.destination_addr, "56911111111");
    for (d = theirs.multi.dest_addr_def; d; d = d->next)
        assert_int_equal(build_dad(&turned, d), 0);
    destroy_dad(theirs.multi.dest_addr_def);
    theirs.multi.dest_addr_def = turned;
    memset(octets, 0, sizeof octets);
    if (smpp34_pack(SUBMIT_MULTI, octets, sizeof octets, &n, &theirs))
        fail_msg("smpp34_pack: %s", smpp34_strerror);
    assert_int_equal(n, out.n);
    assert_int_equal(sms_pdu_decode(octets, (uint64_t)n, &read), HILO_OK);
    assert_int_equal(read.n_dests, 3);
    expect_bytes(read.dests.p, read.dests.n, ours.dests.p, ours.dests.n);
    expect_bytes(read.short_message.p, read.short_message.n, "hola", 4);
    destroy_dad(theirs.multi.dest_addr_def);
}

/* The values of command_status, by their names. */
static void test_statuses(void **state)
{
    (void)state;
#define SMS_STATUS(name, value, message, bind, reason, text) assert_int_equal(value, ESME_##name);
#include "../../plugins/sms/status.def"
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_pdus),
        cmocka_unit_test(test_submit_multi),
        cmocka_unit_test(test_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
