/* What may be accepted for sending, and the words for what may not. */
#include "model_util.h"
#include "model/validate.h"

#define OUT "'kind':'outbound',"

static const struct {
    const char *json, *error; /* NULL: passes */
} cases[] = {
    {"{" OUT "'content':{'type':'text','text':'Hola Ana'}}", NULL},
    {"{" OUT "'content':{'type':'text','text':'a','preview_url':true,'_unknown':[{'tag':99,'value':''}]}}",
     NULL},
    {"{'content':{'type':'text','text':'a'}}", "/kind: must be \"outbound\""},
    {"{'kind':'inbound','content':{'type':'text','text':'a'}}", "/kind: must be \"outbound\""},
    {"{'kind':'outbound'}", "/content: is required"},
    {"{" OUT "'content':{}}", "/content/type: is required, as in \"text\""},
    {"{" OUT "'content':{'type':99}}", "/content/type: unknown type; expected as in \"text\""},
    {"{" OUT "'category':99,'content':{'type':'text','text':'a'}}",
     "/category: unknown; expected service, transactional, promotional or authentication"},
    {"{" OUT "'priority':3,'content':{'type':'text','text':'a'}}",
     "/priority: must be 0 (urgent), 1 (normal) or 2 (bulk)"},
    {"{" OUT
     "'due':'2026-01-02T00:00:00Z','expires':'2026-01-01T00:00:00Z','content':{'type':'text','text':'a'}}",
     "/expires: is not after \"due\"; it would never be sent"},
    {"{" OUT "'receipt':{},'content':{'type':'text','text':'a'}}",
     "/receipt: has no place in an outbound message; remove it"},
    {"{" OUT "'party':[{'scheme':'phone','value':'3001112233'}],'content':{'type':'text','text':'a'}}",
     "/party/0/value: must be \"+\" and 8 to 15 digits (E.164)"},
    {"{" OUT "'party':[{'scheme':'email','value':'x'}],'content':{'type':'text','text':'a'}}",
     "/party/0/value: must be an email address"},
    {"{" OUT "'party':[{'value':'a'},{'value':'b'}],'content':{'type':'text','text':'a'}}",
     "/party: more than one address; send one message to each"},
    /* text */
    {"{" OUT "'content':{'type':'text'}}", "/content/text: is required in a text"},
    {"{" OUT "'content':{'type':'text','text':' \\n'}}",
     "/content/text: is empty; write something, or leave it out if it is optional"},
    {"{" OUT "'content':{'type':'text','text':'a','url':'https://x.co'}}",
     "/content/url: has no place in a text; remove it"},
    {"{" OUT "'content':{'type':'text','text':'a','subject':'b','html':'<p>','attachments':[{'url':"
     "'https://x.co/a','mime':'image/svg+xml','filename':'a b.svg','content_id':'logo@x'}]}}",
     NULL},
    {"{" OUT "'content':{'type':'text','text':'a','subject':'b\\tc'}}",
     "/content/subject: must be one line, without control characters"},
    {"{" OUT "'content':{'type':'text','text':'a','subject':' '}}",
     "/content/subject: is empty; write something, or leave it out if it is optional"},
    {"{" OUT "'reply_to':'msg_00000000000000000000000001','content':{'type':'reaction','emoji':'a','subject':"
     "'b'}}",
     "/content/subject: has no place in a reaction; remove it"},
    {"{" OUT "'content':{'type':'text','text':'a','original':{}}}",
     "/content/original: has no place in a text; remove it"},
    {"{" OUT "'content':{'type':'text','text':'a','attachments':[{}]}}",
     "/content/attachments/0/media: give exactly one of \"media\" and \"url\""},
    {"{" OUT "'content':{'type':'text','text':'a','attachments':[{'url':'file:///etc/passwd'}]}}",
     "/content/attachments/0/url: must be a URL that begins with https:// or http:// and names a host"},
    {"{" OUT "'content':{'type':'text','text':'a','attachments':[{'url':'https://x.co/a','mime':'a/b\\r\\nX: "
     "y'}]}}",
     "/content/attachments/0/mime: must be a type and a subtype, as in \"application/pdf\""},
    {"{" OUT
     "'content':{'type':'text','text':'a','attachments':[{'url':'https://x.co/a','filename':'../a'}]}}",
     "/content/attachments/0/filename: must be a name of at most 240 characters, without a folder or line "
     "breaks"},
    {"{" OUT "'content':{'type':'text','text':'a','html':'b','attachments':[{'url':'https://x.co/a',"
     "'content_id':'a>b'}]}}",
     "/content/attachments/0/content_id: must be 1 to 200 signs of ASCII without blanks, quotes and "
     "brackets, "
     "as in \"logo\""},
    {"{" OUT "'content':{'type':'text','text':'a','invitation':{'uid':'u','status':'booked','title':'T'}}}",
     "/content/invitation/starts: is required"},
    {"{" OUT "'content':{'type':'text','text':'a','invitation':{'uid':'u','status':'maybe','title':'T',"
     "'starts':'2026-11-27T15:00:00Z'}}}",
     "/content/invitation/status: must be booked, confirmed or canceled"},
    {"{" OUT "'content':{'type':'text','text':'a','invitation':{'uid':'u','status':'booked','title':'T\\nX',"
     "'starts':'2026-11-27T15:00:00Z'}}}",
     "/content/invitation/title: must be one line"},
    {"{" OUT "'content':{'type':'text','text':'a','invitation':{'uid':'u','status':'booked','title':'T',"
     "'starts':'2026-11-27T15:00:00Z','ends':'2026-11-27T14:00:00Z'}}}",
     "/content/invitation/ends: is before \"starts\""},
    /* forms and links */
    {"{" OUT "'content':{'type':'link','text':'a','button':'b','url':'https://x.co'}}", NULL},
    {"{" OUT "'content':{'type':'link','text':'a','button':'b'}}", "/content/url: is required in a link"},
    {"{" OUT "'content':{'type':'form','text':'a','button':'b','name':'f','screen':'S','data':'{}'}}", NULL},
    {"{" OUT "'content':{'type':'form','text':'a','name':'f'}}", "/content/button: is required in a form"},
    {"{" OUT "'content':{'type':'form','text':'a','button':'b','name':'f','data':'[1]'}}",
     "/content/data: must be the text of one JSON object"},
    {"{" OUT "'content':{'type':'form','text':'a','button':'b','name':'f','data':'{'}}",
     "/content/data: must be the text of one JSON object"},
    {"{" OUT "'reply_to':'msg_00000000000000000000000001','content':{'type':'system','event':'typing'}}",
     NULL},
    {"{" OUT "'content':{'type':'system','event':'typing'}}",
     "/reply_to: is required: the message it is about"},
    {"{" OUT "'content':{'type':'system','event':'edited'}}",
     "/content/event: only \"mark_read\" and \"typing\" can be sent"},
    {"{" OUT
     "'content':{'type':'template','name':'t','language':'es','parameters':{'buttons':[{'type':'phone',"
     "'index':0,'text':'a'}]}}}",
     "/content/parameters/buttons/0/type: is required: quick_reply, url, copy_code or flow"},
    /* from customers only */
    {"{" OUT "'content':{'type':'choice_reply','choice':'a'}}",
     "/content/type: \"choice_reply\" comes from customers; it can't be sent"},
    {"{" OUT "'content':{'type':'unsupported'}}",
     "/content/type: \"unsupported\" comes from customers; it can't be sent"},
    /* media */
    {"{" OUT "'content':{'type':'media','kind':'image','url':'https://example.com/a.jpg'}}", NULL},
    {"{" OUT "'content':{'type':'media','kind':'document','media':'med_00000000000000000000000001',"
     "'filename':'a.pdf','caption':''}}",
     NULL},
    {"{" OUT "'content':{'type':'media','kind':'image'}}",
     "/content/media: is required: the id of an uploaded media, or \"url\" instead"},
    {"{" OUT "'content':{'type':'media','url':'https://x.co/a'}}", "/content/kind: is required in a media"},
    {"{" OUT "'content':{'type':'media','kind':44,'url':'https://x.co/a'}}",
     "/content/kind: unknown kind of media; expected image, audio, voice, video, document or sticker"},
    {"{" OUT "'content':{'type':'media','kind':'image','media':'med_00000000000000000000000001','url':'https:"
     "//x.co/a'}}",
     "/content/url: give \"media\" or \"url\", not both"},
    {"{" OUT "'content':{'type':'media','kind':'image','url':'ftp://x.co/a'}}",
     "/content/url: must be a URL that begins with https:// or http:// and names a host"},
    {"{" OUT "'content':{'type':'media','kind':'image','url':'https://'}}",
     "/content/url: must be a URL that begins with https:// or http:// and names a host"},
    {"{" OUT "'content':{'type':'media','kind':'image','url':'https://x.co/a b'}}",
     "/content/url: has a character that no URL has; encode it as %XX"},
    {"{" OUT "'content':{'type':'media','kind':'document','url':'https://x.co/a','filename':'../a'}}",
     "/content/filename: must be a name without a folder or line breaks"},
    /* location */
    {"{" OUT "'content':{'type':'location','latitude':4.7,'longitude':-74.1,'name':'Tienda'}}", NULL},
    {"{" OUT "'content':{'type':'location','latitude':4.7}}",
     "/content/longitude: is required in a location"},
    {"{" OUT "'content':{'type':'location','latitude':90.1,'longitude':0}}",
     "/content/latitude: must be from -90 to 90 degrees"},
    {"{" OUT "'content':{'type':'location','latitude':0,'longitude':-181}}",
     "/content/longitude: must be from -180 to 180 degrees"},
    /* contacts */
    {"{" OUT "'content':{'type':'contacts','contacts':[{'name':'L','phones':[{'number':'+1'}]}]}}", NULL},
    {"{" OUT "'content':{'type':'contacts','contacts':[]}}", "/content/contacts: is required in a contacts"},
    {"{" OUT "'content':{'type':'contacts','contacts':[{}]}}", "/content/contacts/0/name: is required"},
    {"{" OUT "'content':{'type':'contacts','contacts':[{'name':'L','phones':[{'number':'1'},{}]}]}}",
     "/content/contacts/0/phones/1/number: is required"},
    /* template */
    {"{" OUT "'content':{'type':'template','name':'pedir_foto','language':'es','parameters':{'body':['Ana'],"
     "'header':[{'type':'image','url':'https://x.co/"
     "a'}],'buttons':[{'type':'quick_reply','index':0,'text':'P'}]}}}",
     NULL},
    {"{" OUT "'content':{'type':'template','name':'x'}}", "/content/language: is required in a template"},
    {"{" OUT "'content':{'type':'template','language':'es'}}", "/content/name: is required in a template"},
    {"{" OUT "'content':{'type':'template','name':'x','language':'es','parameters':{'body':['a',{}]}}}",
     "/content/parameters/body/1/text: is required"},
    {"{" OUT "'content':{'type':'template','name':'x','language':'es','parameters':{'body':[{'type':88,'text'"
     ":'a'}]}}}",
     "/content/parameters/body/0/type: unknown type of parameter"},
    {"{" OUT
     "'content':{'type':'template','name':'x','language':'es','parameters':{'header':[{'type':'image'}]}}}",
     "/content/parameters/header/0/media: give exactly one of \"media\" and \"url\""},
    {"{" OUT
     "'content':{'type':'template','name':'x','language':'es','parameters':{'body':[{'type':'currency',"
     "'text':'$1','currency':'COP'}]}}}",
     "/content/parameters/body/0/amount_1000: is required: a thousand times the amount"},
    {"{" OUT
     "'content':{'type':'template','name':'x','language':'es','parameters':{'buttons':[{'text':'a'}]}}}",
     "/content/parameters/buttons/0/type: is required: quick_reply, url, copy_code or flow"},
    {"{" OUT "'content':{'type':'template','name':'x','language':'es','parameters':{'buttons':[{'type':'url',"
     "'index':10,'text':'a'}]}}}",
     "/content/parameters/buttons/0/index: must be 0 to 9, the button's place in the template"},
    /* choices */
    {"{" OUT
     "'content':{'type':'choices','text':'?','choices':[{'id':'a','title':'A'},{'id':'b','title':'B'}]}}",
     NULL},
    {"{" OUT "'content':{'type':'choices','choices':[{'id':'a','title':'A'}]}}",
     "/content/text: is required in a choices"},
    {"{" OUT "'content':{'type':'choices','text':'?'}}", "/content/choices: is required in a choices"},
    {"{" OUT "'content':{'type':'choices','text':'?','choices':[{'title':'A'}]}}",
     "/content/choices/0/id: is required"},
    {"{" OUT "'content':{'type':'choices','text':'?','choices':[{'id':'a','title':''}]}}",
     "/content/choices/0/title: is empty; write something, or leave it out if it is optional"},
    {"{" OUT
     "'content':{'type':'choices','text':'?','choices':[{'id':'a','title':'A'},{'id':'a','title':'B'}]}}",
     "/content/choices/1/id: the same id as another choice; make it different"},
    {"{" OUT
     "'content':{'type':'choices','text':'?','choices':[{'id':'a','title':'A'},{'id':'b','title':'A'}]}}",
     "/content/choices/1/title: the same title as another choice; make it different"},
    {"{" OUT "'content':{'type':'choices','text':'?','choices':[{'id':'a','title':'A\\nB'}]}}",
     "/content/choices/0/title: must be one line"},
    {"{" OUT "'content':{'type':'choices','text':'?','choices':[{'id':'a','title':'A'},"
     "{'id':'b','title':'B','section':'S'}]}}",
     "/content/choices/1/section: the first choice has no section; give it one, or none to any"},
    /* reaction, appointment, note, system */
    {"{" OUT "'reply_to':'msg_00000000000000000000000001','content':{'type':'reaction','emoji':''}}", NULL},
    {"{" OUT "'content':{'type':'reaction','emoji':'x'}}", "/reply_to: is required: the message it is about"},
    {"{" OUT "'reply_provider_id':'w1','content':{'type':'system','event':'mark_read'}}", NULL},
    {"{" OUT "'content':{'type':'system','event':'mark_read'}}",
     "/reply_to: is required: the message it is about"},
    {"{" OUT "'content':{'type':'system','event':'other'}}",
     "/content/event: only \"mark_read\" and \"typing\" can be sent"},
    {"{" OUT "'content':{'type':'appointment','title':'T','starts':'2026-01-02T00:00:00Z','ends':'2026-01-"
     "02T01:00:00Z'}}",
     NULL},
    {"{" OUT "'content':{'type':'appointment','title':'T','starts':'2026-01-02T00:00:00Z','ends':'2026-01-"
     "01T00:00:00Z'}}",
     "/content/ends: is before \"starts\""},
    {"{" OUT "'content':{'type':'note','text':'for us'}}", NULL},
};

static void messages_are_judged(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new();
        struct err e = {0};
        int32_t rc = model_validate_outbound(msg_of(a, cases[i].json), &e);

        if (!cases[i].error && rc)
            fail_msg("%s: %s", cases[i].json, e.text);
        if (cases[i].error) {
            assert_string_equal(e.text, cases[i].error);
            assert_int_equal(rc, HILO_INVALID);
        }
        arena_free(&a);
    }
}

/* Choices of n, their titles "t0", "t1" … */
static struct hilo_str choices(struct arena *a, size_t n, size_t title)
{
    struct hilo_writer w;
    char id[32];
    size_t i;

    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICES);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("?"));
    for (i = 0; i < n; i++) {
        hilo_open(&w, HILO_T_CONTENT_CHOICES);
        hilo_put_str(&w, HILO_T_CHOICE_ID, str_n(id, (size_t)snprintf(id, sizeof id, "t%zu", i)));
        hilo_put_str(&w, HILO_T_CHOICE_TITLE, arena_fmt(a, "%0*zu", (int)title, i));
        hilo_close(&w);
    }
    hilo_close(&w);
    return hilo_written(&w);
}

static void limits_hold_to_the_one(void **state)
{
    struct arena *a = arena_new();
    struct err e = {0};

    (void)state;
    assert_int_equal(model_validate_outbound(choices(a, MODEL_CHOICES_MAX, MODEL_TITLE_MAX), &e), HILO_OK);
    assert_int_equal(model_validate_outbound(choices(a, MODEL_CHOICES_MAX + 1, 4), &e), HILO_INVALID);
    assert_string_equal(e.text, "/content/choices: more than 50 choices; offer fewer");
    assert_int_equal(model_validate_outbound(choices(a, 1, MODEL_TITLE_MAX + 1), &e), HILO_INVALID);
    assert_string_equal(e.text, "/content/choices/0/title: longer than 200 characters; shorten it");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_judged),
        cmocka_unit_test(limits_hold_to_the_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
