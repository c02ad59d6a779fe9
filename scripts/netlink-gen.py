#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the UAPI header, the kernel policies, names and the manual page from include/netlink/kims.yaml.

netlink-gen.py           write include/uapi/linux/kims.h, kmod/genl-gen.[ch], docs/netlink.md,
                         daemon/lib/netlink/kims_nl_names.h, daemon/lib/netlink/kims_nl_schema.h
netlink-gen.py --check   write nothing; exit 1 when one of them differs from what would be written

The schema is in the form of Linux' Documentation/netlink/genetlink.yaml, of which this reads what
kims uses. Only the base attribute sets get into the header; a set with "subset-of" is a policy of
one command.
"""
import argparse
import difflib
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = "include/netlink/kims.yaml"
NOTE = "made by scripts/netlink-gen.py from " + SCHEMA + "; do not edit"
SHORT_MAX = 32767       # struct nla_policy keeps its range in s16; what is wider needs a struct


def const(name):
    return name.upper().replace("-", "_")


def ident(name):
    return name.replace("-", "_")


def policy(aset_name):
    """C name of the policy of a set; kims-X are sets of the top level."""
    if aset_name.startswith("kims-"):
        aset_name = "top-" + aset_name.removeprefix("kims-")
    return f"kims_{ident(aset_name)}_nl_policy"


class Schema:
    """The YAML document with subsets resolved."""

    def __init__(self, path):
        self.doc = yaml.safe_load(path.read_text())
        self.family = self.doc["name"]
        self.sets = {s["name"]: s for s in self.doc["attribute-sets"]}
        self.defs = self.doc["definitions"]
        self.ops = self.doc["operations"]["list"]
        self.op_prefix = self.doc["operations"]["name-prefix"]
        self.groups = self.doc["mcast-groups"]["list"]
        for s in self.sets.values():
            if "subset-of" in s:
                base = {a["name"]: a for a in self.sets[s["subset-of"]]["attributes"]}
                s["attributes"] = [{**base[a["name"]], **a} for a in s["attributes"]]

    def bases(self):
        return [s for s in self.sets.values() if "subset-of" not in s]

    def base(self, s):
        return self.sets[s.get("subset-of", s["name"])]

    def attr(self, s, a):
        return const(self.base(s)["name-prefix"] + a["name"])

    def cmd(self, op):
        return const(self.op_prefix + op["name"])

    def op_set(self, op):
        """The set whose policy checks the request of an operation, or None for no attributes."""
        modes = [op[m] for m in ("do", "dump") if m in op]
        if not any(m.get("request", {}).get("attributes") for m in modes):
            return None
        return self.sets[op["attribute-set"]]

    def requests(self):
        return [op for op in self.ops if "do" in op or "dump" in op]


def comment(text, indent="", width=96):
    """A C comment block of the text."""
    out, line = [], ""
    for word in text.split():
        if line and len(indent) + 3 + len(line) + 1 + len(word) > width:
            out.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    out.append(line)
    if len(out) == 1 and len(indent) + 6 + len(out[0]) <= width + 4:
        return [f"{indent}/* {out[0]} */"]
    return [f"{indent}/*"] + [f"{indent} * {x}" for x in out] + [f"{indent} */"]


# --- include/uapi/linux/kims.h ---------------------------------------------------------------

def uapi_definitions(s):
    out = []
    for d in s.defs:
        out += comment(d["doc"])
        if d["type"] == "const":
            out += [f"#define {const(s.family + '-' + d['name'])}\t{d['value']}", ""]
            continue
        prefix = const(f"{s.family}-{d['name']}-")
        out.append(f"enum kims_{ident(d['name'])} {{")
        for i, e in enumerate(d["entries"]):
            value = f" = 1 << {i}" if d["type"] == "flags" else ""
            out += comment(e["doc"], "\t") + [f"\t{prefix}{const(e['name'])}{value},"]
        if d["type"] == "flags":
            out += ["};", ""]
            continue
        out += [f"\t__{prefix}MAX,", f"\t{prefix}MAX = (__{prefix}MAX - 1)", "};", ""]
    return out


def uapi_set(s, aset):
    prefix = const(aset["name-prefix"])
    out = comment(aset["doc"])
    out.append(f"enum {aset['enum-name']} {{" if "enum-name" in aset else "enum {")
    for i, a in enumerate(aset["attributes"]):
        text = a["type"]
        if "nested-attributes" in a:
            text += " " + const(s.sets[a["nested-attributes"]]["name-prefix"]) + "*"
        if "byte-order" in a:
            text += ", network byte order"
        if "doc" in a:
            text += ": " + a["doc"]
        out += comment(text, "\t")
        out.append(f"\t{prefix}{const(a['name'])}{' = 1' if i == 0 else ''},")
    return out + [f"\t__{prefix}MAX,", f"\t{prefix}MAX = (__{prefix}MAX - 1)", "};", ""]


def uapi(s):
    out = ["/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */"]
    out += comment(f"Generic netlink family \"{s.family}\"; {NOTE}.")
    out += ["#ifndef _UAPI_LINUX_KIMS_H", "#define _UAPI_LINUX_KIMS_H", ""]
    out += [f'#define KIMS_FAMILY_NAME\t"{s.family}"', "#define KIMS_FAMILY_VERSION\t1", ""]
    out += uapi_definitions(s)
    for aset in s.bases():
        out += uapi_set(s, aset)
    out.append("enum {")
    for i, op in enumerate(s.ops):
        out += comment(op["doc"], "\t") + [f"\t{s.cmd(op)}{' = 1' if i == 0 else ''},"]
    prefix = const(s.op_prefix)
    out += [f"\t__{prefix}MAX,", f"\t{prefix}MAX = (__{prefix}MAX - 1)", "};", ""]
    for g in s.groups:
        out.append(f'#define KIMS_MCGRP_{const(g["name"])}\t"{g["name"]}"')
    return out + ["", "#endif /* _UAPI_LINUX_KIMS_H */"]


# --- kmod/genl-gen.[ch] ----------------------------------------------------------------------

class Ranges:
    """The struct netlink_range_validation that the policies of a file need."""

    def __init__(self):
        self.names = {}

    def name(self, low, high):
        return self.names.setdefault((low, high), f"kims_range_{low}_{high}")

    def text(self):
        for (low, high), name in self.names.items():
            yield (f"static struct netlink_range_validation {name} = "
                   f"{{ .min = {low}, .max = {high} }};")


def policy_u32(a, ranges):
    checks = a.get("checks", {})
    low, high = checks.get("min", 0), checks.get("max")
    if not checks or (low == 0 and high is None):
        return "{ .type = NLA_U32 }"
    if high is None:
        return f"NLA_POLICY_MIN(NLA_U32, {low})"
    if high > SHORT_MAX:
        return f"NLA_POLICY_FULL_RANGE(NLA_U32, &{ranges.name(low, high)})"
    return f"NLA_POLICY_RANGE(NLA_U32, {low}, {high})"


def policy_entry(a, ranges):
    kind = a["type"]
    if kind == "u32":
        return policy_u32(a, ranges)
    if kind == "u64":
        return "{ .type = NLA_U64 }"
    if kind == "string":
        return f"{{ .type = NLA_NUL_STRING, .len = {a['checks']['max-len']} }}"
    if kind == "binary":
        if "max-len" in a["checks"]:
            return f"{{ .type = NLA_BINARY, .len = {a['checks']['max-len']} }}"
        return f"NLA_POLICY_EXACT_LEN({a['checks']['exact-len']})"
    if kind == "nest":
        return f"NLA_POLICY_NESTED({policy(a['nested-attributes'])})"
    raise SystemExit(f"attribute {a['name']}: no policy for type {kind}")


def policy_sets(s):
    """The sets that requests use, nested ones first."""
    found = []

    def add(aset):
        for a in aset["attributes"]:
            if "nested-attributes" in a:
                add(s.sets[a["nested-attributes"]])
        if aset not in found:
            found.append(aset)

    for op in s.requests():
        if s.op_set(op):
            add(s.op_set(op))
    return found


def policy_size(s, aset):
    return s.attr(aset, aset["attributes"][-1]) + " + 1"


def policy_text(s, aset, ranges):
    out = [f"const struct nla_policy {policy(aset['name'])}[{policy_size(s, aset)}] = {{"]
    out += [f"\t[{s.attr(aset, a)}] = {policy_entry(a, ranges)}," for a in aset["attributes"]]
    return out + ["};", ""]


def flag(name):
    return "GENL_" + const(name)


def op_text(s, op):
    aset = s.op_set(op)
    out = ["\t{", f"\t\t.cmd = {s.cmd(op)},"]
    if "do" in op:
        out.append(f"\t\t.doit = kims_nl_{ident(op['name'])}_doit,")
    if "dump" in op:
        out.append(f"\t\t.dumpit = kims_nl_{ident(op['name'])}_dumpit,")
    if aset:
        out.append(f"\t\t.policy = {policy(aset['name'])},")
        out.append(f"\t\t.maxattr = {s.attr(aset, aset['attributes'][-1])},")
    out.append(f"\t\t.flags = {' | '.join(flag(f) for f in op['flags'])},")
    return out + ["\t},"]


def kernel_c(s):
    ranges = Ranges()
    body = []
    for aset in policy_sets(s):
        body += policy_text(s, aset, ranges)
    out = ["// SPDX-License-Identifier: GPL-2.0",
           f"/* Policies and operations of the family; {NOTE}. */", "",
           "#include <net/netlink.h>", "#include <net/genetlink.h>", '#include "genl-gen.h"', ""]
    out += list(ranges.text()) + [""] + body
    out.append("const struct genl_ops kims_nl_ops[KIMS_NL_N_OPS] = {")
    for op in s.requests():
        out += op_text(s, op)
    out += ["};", "", "const struct genl_multicast_group kims_nl_mcgrps[KIMS_NL_N_MCGRPS] = {"]
    for g in s.groups:
        flags = " | ".join("GENL_MCAST_" + const(f) for f in g["flags"])
        out.append(f"\t[KIMS_NLGRP_{const(g['name'])}] = "
                   f"{{ .name = KIMS_MCGRP_{const(g['name'])}, .flags = {flags} }},")
    return out + ["};"]


def kernel_h(s):
    out = ["/* SPDX-License-Identifier: GPL-2.0 */",
           f"/* Policies and operations of the family; {NOTE}. */",
           "#ifndef KIMS_GENL_GEN_H", "#define KIMS_GENL_GEN_H", "",
           "#include <net/netlink.h>", "#include <net/genetlink.h>",
           "#include <uapi/linux/kims.h>", ""]
    for aset in policy_sets(s):
        out.append(f"extern const struct nla_policy {policy(aset['name'])}"
                   f"[{policy_size(s, aset)}];")
    out.append("")
    for op in s.requests():
        if "do" in op:
            out.append(f"int kims_nl_{ident(op['name'])}_doit(struct sk_buff *skb, "
                       "struct genl_info *info);")
        if "dump" in op:
            out.append(f"int kims_nl_{ident(op['name'])}_dumpit(struct sk_buff *skb, "
                       "struct netlink_callback *cb);")
    out += ["", "enum {"] + [f"\tKIMS_NLGRP_{const(g['name'])}," for g in s.groups]
    out += ["\tKIMS_NL_N_MCGRPS", "};", "", f"#define KIMS_NL_N_OPS\t{len(s.requests())}", "",
            "extern const struct genl_ops kims_nl_ops[KIMS_NL_N_OPS];",
            "extern const struct genl_multicast_group kims_nl_mcgrps[KIMS_NL_N_MCGRPS];"]
    return out + ["", "#endif /* KIMS_GENL_GEN_H */"]


# --- docs/netlink.md -------------------------------------------------------------------------

def doc_type(a):
    text = a["type"]
    if "nested-attributes" in a:
        text = f"[{a['nested-attributes']}](#set-{a['nested-attributes']})"
        text += ", several" if a.get("multi-attr") else ""
    if "byte-order" in a:
        text += ", network byte order"
    checks = a.get("checks", {})
    if "exact-len" in checks:
        text += f", {checks['exact-len']} bytes"
    if "max-len" in checks:
        text += f", at most {checks['max-len']} bytes"
    if "enum" in a:
        text += f", [{a['enum']}](#{a['enum']})"
    elif "min" in checks or "max" in checks:
        text += f", {checks.get('min', 0)} to {checks.get('max', 0xffffffff)}"
    return text


def doc_op(s, op):
    out = [f"### {op['name']}", "", f"`{s.cmd(op)}`. " + " ".join(op["doc"].split()), ""]
    if "notify" in op:
        out.append(f"- event in group `{op['mcgrp']}`, with the attributes of a reply to "
                   f"{op['notify']}")
    if "event" in op:
        out.append(f"- event in group `{op['mcgrp']}`: {', '.join(op['event']['attributes'])}")
    for mode in ("do", "dump"):
        if mode not in op:
            continue
        asked = op[mode].get("request", {}).get("attributes")
        told = op[mode].get("reply", {}).get("attributes")
        out.append(f"- {mode}: request {', '.join(asked) if asked else 'without attributes'}; "
                   f"reply {', '.join(told) if told else 'only the acknowledgement'}")
    if s.op_set(op):
        nested = [a for a in s.op_set(op)["attributes"] if "nested-attributes" in a]
        for a in nested:
            allowed = s.sets[a["nested-attributes"]]["attributes"]
            out.append(f"- in {a['name']} of the request: "
                       + ", ".join(f"`{x['name']}`" for x in allowed))
    return out + [""]


def doc_set(s, aset):
    out = [f"### <a name=\"set-{aset['name']}\"></a>{aset['name']}", "",
           " ".join(aset["doc"].split()), "", "| name | number | type | meaning |", "|---|---|---|---|"]
    for i, a in enumerate(aset["attributes"], 1):
        if a["type"] != "pad":
            out.append(f"| `{s.attr(aset, a)}` | {i} | {doc_type(a)} | "
                       f"{' '.join(a.get('doc', '').split())} |")
    return out + [""]


def manual(s):
    out = [f"<!-- {NOTE} -->", f"# The generic netlink family `{s.family}`", "",
           s.doc["doc"].strip(), "", "## Commands and events", ""]
    for op in s.ops:
        out += doc_op(s, op)
    out += ["## Attributes", ""]
    for aset in s.bases():
        out += doc_set(s, aset)
    out += ["## Values", ""]
    for d in s.defs:
        if d["type"] == "const":
            out += [f"- `{const(s.family + '-' + d['name'])}` is {d['value']}: {d['doc']}"]
    for d in s.defs:
        if d["type"] in ("enum", "flags"):
            out += ["", f"### {d['name']}", "", d["doc"], ""]
            out += [f"- {i if d['type'] == 'enum' else 1 << i} `{const(s.family + '-' + d['name'] + '-' + e['name'])}`: {e['doc']}"
                    for i, e in enumerate(d["entries"])]
    return out


# --- daemon/lib/netlink/kims_nl_names.h ------------------------------------------------------

def names_h(s):
    drops = s.sets["drops"]
    out = ["/* SPDX-License-Identifier: GPL-2.0-or-later */",
           f"/* Names of the reasons of drop, by number; {NOTE}. */",
           "#ifndef KIMS_NETLINK_KIMS_NL_NAMES_H", "#define KIMS_NETLINK_KIMS_NL_NAMES_H", "",
           "#include <linux/kims.h>", "",
           "static const char *const knl_drop_names[KIMS_DROP_MAX + 1] = {"]
    out += [f'\t[{s.attr(drops, a)}] = "{a["name"]}",' for a in drops["attributes"]
            if a["type"] != "pad"]
    return out + ["};", "", "#endif"]


# --- daemon/lib/netlink/kims_nl_schema.h -----------------------------------------------------

def schema_kind(s, a):
    """What a reader makes of an attribute. A key is read by nobody."""
    enums = {d["name"]: d["type"] for d in s.defs}
    if a["name"] == "key" or a["type"] == "pad":
        return "NONE"
    if "display-hint" in a:
        return a["display-hint"].upper()
    if "enum" in a:
        return {"enum": "ENUM", "flags": "FLAGS"}[enums[a["enum"]]]
    return a["type"].upper()


def schema_attr(s, aset, a):
    more = ", .multi = true" if a.get("multi-attr") else ""
    if "nested-attributes" in a:
        more += f", .nested = &knl_set_{ident(a['nested-attributes'])}"
    if "enum" in a:
        more += f", .names = knl_names_{ident(a['enum'])}"
    return f'\t[{s.attr(aset, a)}] = {{ "{a["name"]}", KNL_{schema_kind(s, a)}{more} }},'


def schema_h(s):
    out = ["/* SPDX-License-Identifier: GPL-2.0-or-later */",
           f"/* Every attribute set with names and types, for kims_nl_json.c; {NOTE}. */",
           "#ifndef KIMS_NETLINK_KIMS_NL_SCHEMA_H", "#define KIMS_NETLINK_KIMS_NL_SCHEMA_H", "",
           "#include <linux/kims.h>", ""]
    for d in s.defs:
        if d["type"] in ("enum", "flags"):
            names = "".join(f'"{e["name"]}", ' for e in d["entries"])
            out.append(f"static const char *const knl_names_{ident(d['name'])}[] = "
                       f"{{ {names}NULL }};")
    out.append("")
    out += [f"static const struct knl_set knl_set_{ident(a['name'])};" for a in s.bases()] + [""]
    for aset in s.bases():
        name = ident(aset["name"])
        out.append(f"static const struct knl_attr knl_attrs_{name}[] = {{")
        out += [schema_attr(s, aset, a) for a in aset["attributes"]]
        out += ["};", f"static const struct knl_set knl_set_{name} = "
                f"{{ knl_attrs_{name}, ARRAY_SIZE(knl_attrs_{name}) }};", ""]
    return out + ["#endif"]


OUTPUTS = {
    "include/uapi/linux/kims.h": uapi,
    "kmod/genl-gen.h": kernel_h,
    "kmod/genl-gen.c": kernel_c,
    "docs/netlink.md": manual,
    "daemon/lib/netlink/kims_nl_names.h": names_h,
    "daemon/lib/netlink/kims_nl_schema.h": schema_h,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    check = parser.parse_args().check
    schema = Schema(ROOT / SCHEMA)
    bad = 0
    for path, make in OUTPUTS.items():
        want = "\n".join(make(schema)) + "\n"
        have = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        if want == have:
            continue
        if check:
            bad = 1
            sys.stdout.writelines(difflib.unified_diff(
                have.splitlines(True), want.splitlines(True), path, "from " + SCHEMA))
            continue
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(want)
    return bad


if __name__ == "__main__":
    sys.exit(main())
