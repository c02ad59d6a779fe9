/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the S-CSCF share.
 *
 * Ownership: scscf -> irs -> { impu, contact, sub }; scscf -> impi -> auth. A contact points to the
 * irs that it belongs to and to the impi that registered it. Lists are short; look-ups go through
 * the tables of scscf.
 */
#ifndef KIMS_SCSCF_PRIV_H
#define KIMS_SCSCF_PRIV_H

#include <uthash.h>
#include <utlist.h>

#include "lib/aka/aka.h"
#include "lib/core/fsm.h"
#include "lib/core/metrics.h"
#include "lib/core/sbuf.h"
#include "lib/sip/authhdr.h"
#include "lib/sip/dlg.h"
#include "scscf/scscf.h"

#define ID_MAX 256     /* octets of an IMPI or a canonical IMPU */
#define CONTACTS_MAX 8 /* of one registered set; bindings in one REGISTER */
#define SUBS_MAX 16    /* of one registered set */
#define IMPUS_MAX 64   /* of one implicit registration set */
#define NONCE_MAX 96

/* ---- the user profile ---- */

struct profile_id {
	char *uri; /* as the HSS wrote it */
	bool barred;
	int service; /* index of its ServiceProfile */
};

struct profile {
	char *private_id;
	struct profile_id ids[IMPUS_MAX];
	size_t n;
	struct sbuf ifc; /* InitialFilterCriteria elements, verbatim */
};

int profile_parse(struct str xml, struct profile *ret); /* -EBADMSG, -E2BIG, -ENOMEM */
void profile_free(struct profile *p);

/* ---- registrations ---- */

struct irs;
struct impi;

/* iFC text, shared by all users that have the same. */
struct ifc_set {
	UT_hash_handle hh;
	unsigned int refs;
	size_t n;
	char text[];
};

struct impu {
	UT_hash_handle hh; /* by canon */
	struct irs *irs;
	uint32_t id; /* of its <registration> element */
	bool barred;
	char *uri; /* as the HSS wrote it; may be canon itself */
	char canon[];
};

enum contact_event { /* RFC 3680 5.2 */
	CE_REGISTERED, CE_CREATED, CE_REFRESHED, CE_SHORTENED, CE_EXPIRED, CE_DEACTIVATED, CE_PROBATION,
	CE_UNREGISTERED, CE_REJECTED,
};

struct contact {
	struct contact *next, *prev; /* of its irs */
	struct irs *irs;
	struct impi *impi;
	struct timer timer;
	uint64_t expires_at; /* wall clock, usec */
	uint32_t id, cseq, q; /* q: 0..1000 */
	uint32_t aor;	      /* impu.id that was named in To; 0: not known any more */
	enum contact_event event;
	char *uri;
	char *params; /* of the Contact header, with leading ';', without expires and q; NULL: none */
	char *path;   /* value of a Route header; NULL: none */
	char *call_id;
};

struct irs {
	struct irs *next, *prev; /* all of scscf */
	struct scscf *s;
	struct impu **impus; /* in the order of the profile */
	size_t n_impus;
	struct contact *contacts;
	struct sub *subs;
	struct ifc_set *ifc;
	uint32_t last_id; /* of elements in reginfo documents */
	char *stored_as;  /* key of its record; NULL: none */
	bool dirty;	  /* in scscf's list of what is to be stored */
	struct irs *next_dirty;
};

struct auth; /* auth.c: a challenge that waits for its answer */

enum impi_state { IMPI_IDLE, IMPI_CHALLENGED, IMPI_ASSIGNING, IMPI_REGISTERED, IMPI_RECHALLENGED };
enum impi_event {
	IE_CHALLENGE, /* 401 goes out */
	IE_RIGHT,     /* the answer to it was right */
	IE_WRONG,     /* it was wrong, or reg-await-auth is over */
	IE_REFUSED,   /* no contact came of it */
	IE_BOUND,     /* the first contact */
	IE_GONE,      /* the last contact */
};

struct impi {
	UT_hash_handle hh;
	struct scscf *s;
	struct fsm fsm; /* impi_fsm.c */
	struct auth *auth;
	uint32_t n_contacts;
	uint64_t auth_at; /* wall clock of the last authentication, usec */
	char name[];
};

/* What one Contact of a REGISTER asks for; views into the request. */
struct binding {
	struct str uri, params;
	uint32_t expires, q;
};

struct scscf {
	struct scscf_env env;
	struct sip_stack *stack;
	char *uri;	     /* sip:scscf.DOMAIN:5060: Server-Name, Contact */
	char *service_route; /* <sip:orig@scscf.DOMAIN:5060;lr> */
	char *rr_orig, *rr_term;
	char *icscf_uri; /* where requests to the home domain go */
	struct impu *impus;
	struct impi *impis;
	struct irs *sets;
	struct irs *dirty;
	struct ifc_set *ifcs;
	struct sub *subs;
	struct session *sessions;
	struct uac *uacs;
	bool leaving; /* nothing is stored or sent any more */
};

static inline uint64_t now_wall(const struct scscf *s)
{
	return loop_wall(s->env.loop);
}

/* --- reg.c --- */

struct impu *impu_find(struct scscf *s, struct str canon);
struct impi *impi_find(struct scscf *s, struct str name);
struct impi *impi_get(struct scscf *s, struct str name); /* made when absent; NULL: no memory */
void impi_put(struct scscf *s, struct impi *i);		 /* frees it when nothing needs it */
void impi_event(struct impi *i, enum impi_event e);
void impi_settle(struct scscf *s, struct impi *i); /* at the end of a procedure; NULL is fine */
extern const struct fsm_desc impi_fsm;
/* The set of a profile: found by any of its identities and updated, or new. -EINVAL: no usable identity. */
int irs_from_profile(struct scscf *s, const struct profile *p, struct irs **ret);
void irs_free(struct irs *r); /* silently: no NOTIFY, no SAR */
const struct impu *irs_default(const struct irs *r); /* first that is not barred, or NULL */
bool irs_active(const struct irs *r);		     /* has a contact */
void irs_associated_uri(const struct irs *r, struct sbuf *b); /* P-Associated-URI */

struct contact *contact_find(struct irs *r, const struct impi *i, struct str uri);
/* New or refreshed; event is set; the timer runs. NULL: no memory. */
struct contact *contact_bind(struct irs *r, struct impi *i, const struct binding *b, struct str path,
			     struct str call_id, uint32_t cseq);
int contact_restore(struct irs *r, struct contact *c); /* takes c, all fields set but timer and links */
void contact_free(struct contact *c);
void contact_end(struct contact *c, enum contact_event event); /* takes effect in irs_changed() */
bool contact_is_ended(const struct contact *c);
uint32_t contact_expires(const struct contact *c); /* seconds from now, at least 1 while alive */
/*
 * After contacts were bound or ended: NOTIFY, store, SAR of the given type (-1: none) for each IMPI
 * that lost its last contact, end of the set when nobody is left. true: r still lives.
 */
bool irs_changed(struct irs *r, int dereg_type);

/* SAR that nobody waits for. */
void cx_tell(struct scscf *s, struct str impi, const struct irs *r, struct str impu, int type);

/* --- registrar.c --- */

struct reg_op { /* one REGISTER that is being worked on */
	struct scscf *s;
	struct sip_stx *stx;
	char impi[ID_MAX], impu[ID_MAX];
	struct sip_digest d; /* of Authorization; views into the request */
	bool has_digest;
	bool protected; /* integrity-protected="yes", TS 24.229 7.2A.2 */
	bool unprotected; /* ="no" */
	bool star;	/* Contact: * */
	bool removes_all;
	struct binding b[CONTACTS_MAX];
	size_t n;
};

void registrar_request(struct scscf *s, struct sip_stx *stx, struct sip_msg *m);
void registrar_accept(struct reg_op *op); /* authenticated: bind, answer; takes op */
void reg_op_free(struct reg_op *op);
/* Answers with status, counts, frees op. */
void reg_op_refuse(struct reg_op *op, int status, const char *reason, const char *warning);
int cx_failure_status(int result); /* 504: no answer in time; 480: other */

/* --- auth.c --- */

void auth_register(struct reg_op *op); /* takes op: challenges, refuses, or registrar_accept() */
void auth_free(struct auth *a);
void auth_timed_out(struct impi *i); /* reg-await-auth; may free i */

/* --- regevent.c, reginfo.c --- */

bool regevent_wants(struct scscf *s, const struct sip_msg *m); /* initial SUBSCRIBE for a set of ours */
void regevent_subscribe(struct scscf *s, struct sip_stx *stx, struct sip_msg *m);
bool regevent_in_dialog(struct scscf *s, struct sip_stx *stx, struct sip_msg *m); /* false: not ours */
void regevent_notify(struct irs *r, bool last); /* last: subscriptions end too and are gone afterwards */
void regevent_drop(struct irs *r);		/* silently */
json_t *regevent_json(const struct irs *r);
int sub_restore(struct scscf *s, struct cursor *c);
/* The next of ;a=b;c="d;e", with its value; the leading ';' may be missing. A view into *rest. */
bool next_param(struct str *rest, struct str *ret);
void reginfo_write(const struct irs *r, uint32_t version, bool last, struct sbuf *b);
const char *contact_event_name(enum contact_event e);

/* --- session.c, timer.c --- */

void session_originating(struct scscf *s, struct sip_stx *stx, struct sip_msg *m);
void session_terminating(struct scscf *s, struct sip_stx *stx, struct sip_msg *m);
void session_in_dialog(struct scscf *s, struct sip_stx *stx, struct sip_msg *m);
void session_ack(struct scscf *s, struct sip_msg *m);
json_t *sessions_json(const struct scscf *s);
void sessions_free(struct scscf *s);

struct se_state { /* of one INVITE or UPDATE that passes */
	bool uac_supports;
	uint32_t expires;
};
/* RFC 4028 8.1; a status other than 0 (422) was sent. */
int se_request(struct scscf *s, struct sip_stx *stx, struct sip_msg *m, struct se_state *ret);
void se_response(struct sip_msg *resp, struct se_state *st); /* RFC 4028 8.2, for a 2xx */

/* --- persist.c --- */

void persist_irs(struct irs *r);       /* at the round's end */
void persist_flush(void *s);	       /* struct scscf *: now */
void persist_forget(struct irs *r);    /* deletes, before it is freed */
void persist_sub(struct scscf *s, const char *tag, struct str record);
void persist_forget_sub(struct scscf *s, const char *tag);
int persist_load(struct scscf *s);

/* --- uac.c --- */

/* resp NULL: err tells. key: what the caller gave. Called once, unless the S-CSCF is freed. */
typedef void (*uac_fn)(struct scscf *s, const char *key, struct sip_msg *resp, int err);
/* Sends by the topmost Route or the Request-URI; takes msg; fn may be NULL, key is copied. */
void uac_send(struct scscf *s, struct sip_msg *msg, uac_fn fn, const char *key);
void uac_free_all(struct scscf *s);

extern struct metric m_registers, m_challenges, m_auth_failures, m_resyncs, m_cx_failures, m_calls,
	m_notifies, g_contacts, g_sets, g_sessions, g_subs;

#endif
