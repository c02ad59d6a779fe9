/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints of the packet path: events/kims/kims_forward, kims_drop, kims_gm_drop. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kims

#if !defined(KIMS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KIMS_TRACE_H

#include <linux/skbuff.h>
#include <linux/tracepoint.h>

TRACE_EVENT(kims_forward,
	TP_PROTO(u32 flow, const struct sk_buff *skb),
	TP_ARGS(flow, skb),
	TP_STRUCT__entry(
		__field(u32, flow)
		__field(const void *, skb)
		__field(unsigned int, len)
		__field(u16, protocol)
	),
	TP_fast_assign(
		__entry->flow = flow;
		__entry->skb = skb;
		__entry->len = skb->len;
		__entry->protocol = ntohs(skb->protocol);
	),
	TP_printk("flow=%u skb=%p len=%u protocol=0x%04x", __entry->flow, __entry->skb,
		  __entry->len, __entry->protocol)
);

DECLARE_EVENT_CLASS(kims_drop_class,
	TP_PROTO(u32 object, int reason, const struct sk_buff *skb),
	TP_ARGS(object, reason, skb),
	TP_STRUCT__entry(
		__field(u32, object)
		__field(int, reason)
		__field(const void *, skb)
		__field(unsigned int, len)
		__field(u16, protocol)
	),
	TP_fast_assign(
		__entry->object = object;
		__entry->reason = reason;
		__entry->skb = skb;
		__entry->len = skb->len;
		__entry->protocol = ntohs(skb->protocol);
	),
	TP_printk("object=%u reason=%d skb=%p len=%u protocol=0x%04x", __entry->object,
		  __entry->reason, __entry->skb, __entry->len, __entry->protocol)
);

/* object: the flow */
DEFINE_EVENT(kims_drop_class, kims_drop,
	TP_PROTO(u32 object, int reason, const struct sk_buff *skb),
	TP_ARGS(object, reason, skb));

/* object: the SA set that the packet came under, or 0 */
DEFINE_EVENT(kims_drop_class, kims_gm_drop,
	TP_PROTO(u32 object, int reason, const struct sk_buff *skb),
	TP_ARGS(object, reason, skb));

/* object: the GTP-U endpoint */
DEFINE_EVENT(kims_drop_class, kims_gtpu_drop,
	TP_PROTO(u32 object, int reason, const struct sk_buff *skb),
	TP_ARGS(object, reason, skb));

DECLARE_EVENT_CLASS(kims_session_class,
	TP_PROTO(u64 session, u32 pdr, int reason, const struct sk_buff *skb),
	TP_ARGS(session, pdr, reason, skb),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u32, pdr)
		__field(int, reason)
		__field(const void *, skb)
		__field(unsigned int, len)
		__field(u16, protocol)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->pdr = pdr;
		__entry->reason = reason;
		__entry->skb = skb;
		__entry->len = skb->len;
		__entry->protocol = ntohs(skb->protocol);
	),
	TP_printk("session=%llu pdr=%u reason=%d skb=%p len=%u protocol=0x%04x",
		  __entry->session, __entry->pdr, __entry->reason, __entry->skb, __entry->len,
		  __entry->protocol)
);

/* An inner packet has met a PDR (reason 0), goes on, or is dropped. */
DEFINE_EVENT(kims_session_class, kims_classify,
	TP_PROTO(u64 session, u32 pdr, int reason, const struct sk_buff *skb),
	TP_ARGS(session, pdr, reason, skb));

DEFINE_EVENT(kims_session_class, kims_session_forward,
	TP_PROTO(u64 session, u32 pdr, int reason, const struct sk_buff *skb),
	TP_ARGS(session, pdr, reason, skb));

DEFINE_EVENT(kims_session_class, kims_session_drop,
	TP_PROTO(u64 session, u32 pdr, int reason, const struct sk_buff *skb),
	TP_ARGS(session, pdr, reason, skb));

#endif /* KIMS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
