// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages made harmless for freeDiameter (RFC 6733 3, 4.1, 4.5); see armour.h.
 *
 * A masked code has bit 30 set; bit 29 remembers the M bit. No AVP has such a code; one that comes with it is
 * replaced, so that unmasking can never make an AVP out of what was checked as something else.
 */
#include "lib/diameter/armour.h"
#include "lib/ie/ie.h"

#define MASKED	       UINT32_C(0x40000000)
#define WAS_M	       UINT32_C(0x20000000)
#define CODE_MAX       UINT32_C(0x1fffffff)
#define NAME_MAX_LEN   255
#define SESSION_ID_MAX 1024

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static void mask(uint8_t *avp)
{
	uint32_t code = MIN(get32(avp), CODE_MAX);

	put32(avp, code | MASKED | (avp[4] & IE_M ? WAS_M : 0));
	avp[4] &= IE_V;
}

/* All that is left of a message becomes one AVP; n >= 8. */
static void blank(uint8_t *p, size_t n)
{
	memset(p, 0, n);
	put32(p, MASKED | CODE_MAX);
	p[5] = n >> 16;
	p[6] = n >> 8;
	p[7] = n;
}

static bool fits(const uint8_t *p, size_t n)
{
	struct ie_cursor c;
	struct ie_view v;

	ie_cursor_init(&c, p, n);
	while (ie_next(&c, &v))
		;
	return !c.bad;
}

/* A DiameterIdentity as freeDiameter wants it: printable, no NUL (RFC 6733 4.3.1). */
static bool name_ok(struct str s, size_t max)
{
	if (!s.n || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

/* AVPs that freeDiameter needs to route a request, when they are in order. */
static bool routes(const struct ie_view *v)
{
	if (v->vendor || v->flags & IE_V)
		return false;
	switch (v->code) {
	case 263: /* Session-Id */
		return name_ok(v->value, SESSION_ID_MAX);
	case 264: /* Origin-Host */
	case 282: /* Route-Record */
	case 283: /* Destination-Realm */
	case 293: /* Destination-Host */
	case 296: /* Origin-Realm */
		return name_ok(v->value, NAME_MAX_LEN);
	default:
		return false;
	}
}

static bool numbers_only(struct str group)
{
	struct ie_cursor c;
	struct ie_view v;

	ie_cursor_init(&c, group.p, group.n);
	while (ie_next(&c, &v))
		if (v.flags & IE_V || v.value.n != 4 ||
		    (v.code != 258 && v.code != 259 && v.code != 266))
			return false;
	return !c.bad && group.n;
}

static bool address_ok(struct str a)
{
	return (a.n == 6 && !memcmp(a.p, "\0\1", 2)) || (a.n == 18 && !memcmp(a.p, "\0\2", 2));
}

/* AVPs of CER, DWR, DPR and their answers that freeDiameter may see. */
static bool base_ok(const struct ie_view *v)
{
	if (v->vendor || v->flags & IE_V)
		return false;
	switch (v->code) {
	case 258: /* Auth-Application-Id */
	case 259: /* Acct-Application-Id */
	case 265: /* Supported-Vendor-Id */
	case 266: /* Vendor-Id */
	case 267: /* Firmware-Revision */
	case 268: /* Result-Code */
	case 273: /* Disconnect-Cause */
	case 278: /* Origin-State-Id */
	case 299: /* Inband-Security-Id */
		return v->value.n == 4;
	case 257: /* Host-IP-Address */
		return address_ok(v->value);
	case 260: /* Vendor-Specific-Application-Id */
		return numbers_only(v->value);
	case 264: /* Origin-Host */
	case 296: /* Origin-Realm */
		return name_ok(v->value, NAME_MAX_LEN);
	case 269: /* Product-Name */
	case 281: /* Error-Message */
		return v->value.n <= NAME_MAX_LEN &&
		       (!v->value.n || !memchr(v->value.p, 0, v->value.n));
	default:
		return false;
	}
}

/* An error answer is checked against rules that an application's masked answer cannot meet. */
static void clear_error_bit(uint8_t *msg)
{
	if (!(msg[4] & IE_FLAG_REQUEST))
		msg[4] &= (uint8_t)~IE_FLAG_ERROR;
}

/* CE, DW, DP: what two peers say to each other (RFC 6733 5). */
static bool peer_command(uint32_t code)
{
	return code == 257 || code == 280 || code == 282;
}

/* The M bit as RFC 6733 4.5 has it, whatever came. */
static void set_flags(uint8_t *avp, uint32_t code)
{
	bool optional = code == 267 || code == 269 || code == 281;

	avp[4] = optional ? 0 : IE_M;
}

static void armour_base(uint8_t *msg, size_t n)
{
	bool known = peer_command(get32(msg + 4) & 0xffffff);
	struct ie_cursor c;
	struct ie_view v;

	msg[4] &= IE_FLAG_REQUEST | IE_FLAG_ERROR;
	ie_cursor_init(&c, msg + IE_HDR_LEN, n - IE_HDR_LEN);
	while (ie_next(&c, &v)) {
		uint8_t *avp = (uint8_t *)v.raw.p;

		if (known && base_ok(&v))
			set_flags(avp, v.code);
		else
			mask(avp);
	}
}

static void armour_application(uint8_t *msg, size_t n)
{
	bool request = msg[4] & IE_FLAG_REQUEST;
	struct ie_cursor c;
	struct ie_view v;

	clear_error_bit(msg);
	ie_cursor_init(&c, msg + IE_HDR_LEN, n - IE_HDR_LEN);
	while (ie_next(&c, &v))
		if (!request || !routes(&v))
			mask((uint8_t *)v.raw.p);
		else
			((uint8_t *)v.raw.p)[4] = IE_M;
}

void dia_armour(uint8_t *msg, size_t n)
{
	if (n < IE_HDR_LEN + 8)
		return; /* too short for an AVP: freeDiameter sees that itself */
	if (!fits(msg + IE_HDR_LEN, n - IE_HDR_LEN))
		blank(msg + IE_HDR_LEN, n - IE_HDR_LEN);
	if (get32(msg + 8))
		armour_application(msg, n);
	else
		armour_base(msg, n);
}

void dia_unarmour(uint8_t *msg, size_t n)
{
	struct ie_cursor c;
	struct ie_view v;

	if (n < IE_HDR_LEN)
		return;
	ie_cursor_init(&c, msg + IE_HDR_LEN, n - IE_HDR_LEN);
	while (ie_next(&c, &v)) {
		uint8_t *avp = (uint8_t *)v.raw.p;

		if (!(v.code & MASKED))
			continue;
		put32(avp, v.code & CODE_MAX);
		if (v.code & WAS_M)
			avp[4] |= IE_M;
	}
}
