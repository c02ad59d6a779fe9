// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * freeDiameter's dictionary from our tables: vendor 3GPP, the applications of the node, their
 * commands and AVPs.
 *
 * All our AVPs are announced as octet strings: freeDiameter then knows them (and so does not refuse
 * the M bit) but leaves every check to lib/ie, which answers with the right Failed-AVP.
 */
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "lib/diameter/node.h"

static int load_avps(struct dictionary *dict, const struct ie_dict *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct ie_avp *a = &d->avps[i];
		struct dict_avp_data data = {
			.avp_code = a->code,
			.avp_vendor = a->vendor,
			.avp_name = (char *)a->name,
			.avp_flag_mask = AVP_FLAG_VENDOR,
			.avp_flag_val = a->vendor ? AVP_FLAG_VENDOR : 0,
			.avp_basetype = AVP_TYPE_OCTETSTRING,
		};
		struct dict_object *o = NULL;
		int e;

		if (!a->name)
			continue;
		e = fd_dict_new(dict, DICT_AVP, &data, NULL, &o);
		if (e && e != EEXIST)
			return -e;
	}
	return 0;
}

static int load_command(struct dictionary *dict, struct dict_object *app,
			const struct ie_command *c)
{
	struct dict_cmd_data data = {
		.cmd_code = c->code,
		.cmd_name = (char *)c->name,
		.cmd_flag_mask = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE,
		.cmd_flag_val = (c->request ? CMD_FLAG_REQUEST : 0) | CMD_FLAG_PROXIABLE,
	};
	struct dict_object *o = NULL;

	return -fd_dict_new(dict, DICT_COMMAND, &data, app, &o);
}

/* An application may share its vendor with one before it. */
static int load_vendor(struct dictionary *dict, const struct dia_app *a, struct dict_object **ret)
{
	struct dict_vendor_data vendor = { .vendor_id = a->vendor, .vendor_name = (char *)"3GPP" };
	int e = fd_dict_new(dict, DICT_VENDOR, &vendor, NULL, ret);

	if (e == EEXIST)
		e = fd_dict_search(dict, DICT_VENDOR, VENDOR_BY_ID, &vendor.vendor_id, ret, ENOENT);
	return -e;
}

int dia_dict_load(const struct dia_app *a, struct dict_object **ret_app,
		  struct dict_object **ret_vendor)
{
	struct dictionary *dict = fd_g_config->cnf_dict;
	struct dict_application_data app = { .application_id = a->id,
					     .application_name = (char *)a->name };
	const struct ie_command *c;
	int e = load_vendor(dict, a, ret_vendor);

	if (!e)
		e = -fd_dict_new(dict, DICT_APPLICATION, &app, *ret_vendor, ret_app);
	if (!e)
		e = load_avps(dict, a->dict);
	/* Base AVPs that freeDiameter's own dictionary does not have (DRMP, Load, ...). */
	if (!e)
		e = load_avps(dict, &ie_base_dict);
	for (uint32_t code = a->first; !e && code <= a->last; code++) {
		c = a->find(code, true);
		e = c ? load_command(dict, *ret_app, c) : 0;
		c = a->find(code, false);
		if (!e && c)
			e = load_command(dict, *ret_app, c);
	}
	return e;
}
