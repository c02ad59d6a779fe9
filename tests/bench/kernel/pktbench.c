// SPDX-License-Identifier: GPL-2.0
/*
 * pktbench.ko: makes packets, sends them through the kernel and says what one costs.
 *
 *   ip link add NAME type pksink       an Ethernet device that takes frames and forgets them
 *   /proc/pktbench/frame               write: the frame, in hexadecimal
 *   /proc/pktbench/run                 write: key=value ...; see struct pb_run
 *   /proc/pktbench/result              read: key=value ... of the last run
 *   /proc/pktbench/last                read: the last frame that arrived, in hexadecimal
 *
 * A frame has arrived when a pksink is told to send it, or when it comes to LOCAL_IN as UDP for
 * the port of catch= (behind every other hook there). Batches are injected with BH off and timed
 * by the TSC until the last packet has arrived (what goes by a work queue, as IPsec does, is in
 * it): under qemu -icount the number of the guest's instructions, elsewhere cycles. A batch that
 * did not arrive whole within a while is no sample (bad=).
 *
 * Fields of the frame that vary (field=) have a partner of the same size in the payload that is
 * set to the complement, so that the UDP checksum stays right at no cost of its own. A frame is of
 * IPv4, then each has an identification of its own, or of IPv6. For frames
 * with a tunnel in them inner= is where the inner IPv4 header is (its checksum is made anew), teid=
 * a word that is the packet's number times an odd constant; and with wrap= and step= the numbers
 * are not in order: number times step, modulo wrap.
 */
#include <linux/completion.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter_ipv4.h>
#include <linux/nsproxy.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/udp.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <net/ip.h>
#include <net/rtnetlink.h>

#define PB_BATCH 64
#define PB_FIELDS 4
#define PB_IP ETH_HLEN

#define PB_TEID 0x9e3779b1U

/*
 * 16 bits at off become base + number / div % n, the 16 bits at partner (0: none) the complement.
 */
struct pb_field {
	unsigned int off, partner, base, div, n;
};

struct pb_run {
	char dev[IFNAMSIZ];  /* a pksink */
	char mode[8];	     /* rx: received by dev; tx: sent by dev; null: made and freed */
	unsigned int n;	     /* packets measured */
	unsigned int warm;   /* packets before that */
	unsigned int catch;  /* UDP port taken at LOCAL_IN, 0: none */
	unsigned int inner;  /* offset of an IPv4 header in the frame, 0: none */
	unsigned int teid;   /* offset of a word, 0: none */
	unsigned int wrap, step; /* of numbers; wrap 0: 0, 1, 2... */
	unsigned int fields;
	struct pb_field field[PB_FIELDS];
};

static DEFINE_MUTEX(pb_lock); /* all below */
static u8 pb_frame[2048];
static unsigned int pb_frame_len;
static u8 pb_last[512];
static unsigned int pb_last_len;
static char pb_result[256];
static u64 pb_arrived;
static u64 pb_awaited; /* value of pb_arrived that completes pb_done */
static DECLARE_COMPLETION(pb_done);
static bool pb_keep;
static __be16 pb_catch;

static u64 pb_clock(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}

static void pb_arrive(const struct sk_buff *skb, int offset)
{
	if (unlikely(++pb_arrived == pb_awaited))
		complete(&pb_done);
	if (likely(!pb_keep))
		return;
	pb_last_len = min_t(unsigned int, skb->len - offset, sizeof(pb_last));
	skb_copy_bits(skb, offset, pb_last, pb_last_len);
}

/* --- the device --- */

static netdev_tx_t pb_xmit(struct sk_buff *skb, struct net_device *dev)
{
	pb_arrive(skb, 0);
	dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
}

static int pb_open(struct net_device *dev)
{
	netif_start_queue(dev);
	return 0;
}

static int pb_stop(struct net_device *dev)
{
	netif_stop_queue(dev);
	return 0;
}

static const struct net_device_ops pb_dev_ops = {
	.ndo_open = pb_open,
	.ndo_stop = pb_stop,
	.ndo_start_xmit = pb_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void pb_dev_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &pb_dev_ops;
	dev->needs_free_netdev = true;
	dev->priv_flags |= IFF_NO_QUEUE | IFF_LIVE_ADDR_CHANGE;
	dev->flags |= IFF_NOARP;
	dev->features |= NETIF_F_HW_CSUM | NETIF_F_SG | NETIF_F_HIGHDMA | NETIF_F_RXCSUM;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
	dev->hw_features = dev->features;
	eth_hw_addr_random(dev);
}

static struct rtnl_link_ops pb_link __read_mostly = {
	.kind = "pksink",
	.setup = pb_dev_setup,
};

/* --- LOCAL_IN --- */

static unsigned int pb_local_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct udphdr *uh = (const struct udphdr *)((const u8 *)iph + iph->ihl * 4);

	if (!pb_catch || iph->protocol != IPPROTO_UDP || uh->dest != pb_catch)
		return NF_ACCEPT;
	pb_arrive(skb, 0);
	consume_skb(skb);
	return NF_STOLEN;
}

static const struct nf_hook_ops pb_hook = {
	.hook = pb_local_in,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_IN,
	.priority = NF_IP_PRI_LAST,
};

/* --- packets --- */

static void pb_vary(u8 *data, const struct pb_field *f, u32 number)
{
	__be16 value = htons(f->base + number / f->div % f->n);

	*(__be16 *)(data + f->off) = value;
	if (f->partner)
		*(__be16 *)(data + f->partner) = ~value;
}

static void pb_csum(u8 *data, unsigned int off)
{
	struct iphdr *iph = (struct iphdr *)(data + off);

	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

static __be16 pb_protocol(void)
{
	return ((const struct ethhdr *)pb_frame)->h_proto;
}

static bool pb_is_ip4(void)
{
	return pb_protocol() == htons(ETH_P_IP);
}

static struct sk_buff *pb_make(struct net_device *dev, const struct pb_run *r, u32 number)
{
	struct sk_buff *skb = netdev_alloc_skb(dev, 192 + pb_frame_len);
	u32 order = number;
	unsigned int i;
	__be32 teid;
	u8 *data;

	if (!skb)
		return NULL;
	if (r->wrap)
		order = (u64)number * r->step % r->wrap;
	skb_reserve(skb, 192);
	data = skb_put_data(skb, pb_frame, pb_frame_len);
	for (i = 0; i < r->fields; i++)
		pb_vary(data, &r->field[i], order);
	if (r->teid) {
		teid = htonl((order + 1) * PB_TEID);
		memcpy(data + r->teid, &teid, sizeof(teid));
	}
	if (r->inner)
		pb_csum(data, r->inner);
	if (pb_is_ip4()) {
		((struct iphdr *)(data + PB_IP))->id = htons(number);
		pb_csum(data, PB_IP);
	}
	return skb;
}

static void pb_send(struct net_device *dev, struct sk_buff *skb)
{
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = pb_protocol();
	skb->dev = dev;
	dev_queue_xmit(skb);
}

static void pb_inject(struct net_device *dev, const struct pb_run *r, u32 *number)
{
	struct sk_buff *skb;
	unsigned int i;

	local_bh_disable();
	for (i = 0; i < PB_BATCH; i++) {
		skb = pb_make(dev, r, (*number)++);
		if (!skb)
			break;
		if (r->mode[0] == 't') {
			pb_send(dev, skb);
			continue;
		}
		skb->protocol = eth_type_trans(skb, dev);
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		if (r->mode[0] == 'n')
			consume_skb(skb);
		else
			netif_receive_skb(skb);
	}
	local_bh_enable();
}

/* --- a run --- */

static int pb_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Waits for what is still on its way; false: it does not come. One CPU does all the work. */
static bool pb_wait(u64 target)
{
	reinit_completion(&pb_done);
	WRITE_ONCE(pb_awaited, target);
	if (READ_ONCE(pb_arrived) < target)
		wait_for_completion_timeout(&pb_done, HZ / 4);
	WRITE_ONCE(pb_awaited, 0);
	return READ_ONCE(pb_arrived) >= target;
}

/* Times one batch; ~0: it did not arrive whole. */
static u64 pb_sample(struct net_device *dev, const struct pb_run *r, u32 *number)
{
	u64 start, target = pb_arrived + PB_BATCH;

	start = pb_clock();
	pb_inject(dev, r, number);
	if (r->mode[0] != 'n' && pb_arrived < target && !pb_wait(target))
		return ~0ULL;
	return pb_clock() - start;
}

static void pb_report(u64 *t, unsigned int n, u64 arrived)
{
	unsigned int bad = 0, i;
	u64 sum = 0;

	sort(t, n, sizeof(*t), pb_compare, NULL);
	while (bad < n && t[n - 1 - bad] == ~0ULL)
		bad++;
	n -= bad;
	for (i = 0; i < n; i++)
		sum += t[i];
#define PB_PER_PACKET(x) (x) / PB_BATCH, (x) * 100 / PB_BATCH % 100
	scnprintf(pb_result, sizeof(pb_result),
		  "arrived=%llu bad=%u min=%llu.%02llu p10=%llu.%02llu median=%llu.%02llu mean=%llu.%02llu\n",
		  arrived, bad, PB_PER_PACKET(n ? t[0] : 0), PB_PER_PACKET(n ? t[n / 10] : 0),
		  PB_PER_PACKET(n ? t[n / 2] : 0), PB_PER_PACKET(n ? sum / n : 0));
}

static int pb_measure(struct net_device *dev, const struct pb_run *r)
{
	unsigned int batches = r->n / PB_BATCH, i;
	u64 before, *t;
	u32 number = 0;

	t = vmalloc(array_size(batches, sizeof(*t)));
	if (!t)
		return -ENOMEM;
	pb_keep = true;
	pb_last_len = 0;
	for (i = 0; i < r->warm; i += PB_BATCH) {
		pb_sample(dev, r, &number);
		cond_resched();
	}
	pb_keep = false;
	before = pb_arrived;
	for (i = 0; i < batches; i++) {
		t[i] = pb_sample(dev, r, &number);
		cond_resched();
	}
	pb_report(t, batches, pb_arrived - before);
	vfree(t);
	return 0;
}

static int pb_run(const struct pb_run *r)
{
	struct net_device *dev;
	int err = -EINVAL;

	dev = dev_get_by_name(current->nsproxy->net_ns, r->dev);
	if (!dev)
		return -ENODEV;
	pb_catch = htons(r->catch);
	if (dev->netdev_ops == &pb_dev_ops && pb_frame_len > PB_IP + sizeof(struct iphdr) &&
	    r->n >= PB_BATCH)
		err = pb_measure(dev, r);
	pb_catch = 0;
	dev_put(dev);
	return err;
}

/* --- /proc/pktbench --- */

static int pb_parse_field(struct pb_run *r, const char *value)
{
	struct pb_field *f = &r->field[r->fields];

	if (r->fields == PB_FIELDS ||
	    sscanf(value, "%u:%u:%u:%u:%u", &f->off, &f->partner, &f->base, &f->div, &f->n) != 5 ||
	    !f->div || !f->n || f->off + 2 > pb_frame_len || f->partner + 2 > pb_frame_len)
		return -EINVAL;
	r->fields++;
	return 0;
}

static int pb_parse_offset(const char *value, unsigned int size, unsigned int *ret)
{
	int err = kstrtouint(value, 0, ret);

	return err ?: *ret + size > pb_frame_len ? -EINVAL : 0;
}

static int pb_parse(struct pb_run *r, char *key, char *value)
{
	if (!strcmp(key, "dev"))
		return strscpy(r->dev, value, sizeof(r->dev)) < 0 ? -EINVAL : 0;
	if (!strcmp(key, "mode"))
		return strscpy(r->mode, value, sizeof(r->mode)) < 0 ? -EINVAL : 0;
	if (!strcmp(key, "field"))
		return pb_parse_field(r, value);
	if (!strcmp(key, "n"))
		return kstrtouint(value, 0, &r->n);
	if (!strcmp(key, "warm"))
		return kstrtouint(value, 0, &r->warm);
	if (!strcmp(key, "inner"))
		return pb_parse_offset(value, sizeof(struct iphdr), &r->inner);
	if (!strcmp(key, "teid"))
		return pb_parse_offset(value, sizeof(u32), &r->teid);
	if (!strcmp(key, "wrap"))
		return kstrtouint(value, 0, &r->wrap);
	if (!strcmp(key, "step"))
		return kstrtouint(value, 0, &r->step);
	if (!strcmp(key, "catch"))
		return kstrtouint(value, 0, &r->catch);
	return -EINVAL;
}

static ssize_t pb_run_write(struct file *file, const char __user *user, size_t n, loff_t *pos)
{
	struct pb_run r = { .mode = "rx", .n = 200 * PB_BATCH, .warm = 4 * PB_BATCH };
	char *text, *rest, *key, *value;
	int err = 0;

	text = memdup_user_nul(user, min_t(size_t, n, PAGE_SIZE));
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&pb_lock);
	rest = strim(text);
	while (!err && (key = strsep(&rest, " "))) {
		value = strchr(key, '=');
		if (value)
			*value++ = 0;
		err = value ? pb_parse(&r, key, value) : -EINVAL;
	}
	if (!err)
		err = pb_run(&r);
	mutex_unlock(&pb_lock);
	kfree(text);
	return err ?: n;
}

static ssize_t pb_frame_write(struct file *file, const char __user *user, size_t n, loff_t *pos)
{
	char *text = memdup_user_nul(user, min_t(size_t, n, 2 * sizeof(pb_frame) + 1));
	size_t len;
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	len = strcspn(text, "\n") / 2;
	mutex_lock(&pb_lock);
	err = len > sizeof(pb_frame) ? -EINVAL : hex2bin(pb_frame, text, len);
	pb_frame_len = err ? 0 : len;
	mutex_unlock(&pb_lock);
	kfree(text);
	return err ?: n;
}

static int pb_result_show(struct seq_file *m, void *v)
{
	seq_puts(m, pb_result);
	return 0;
}

static int pb_last_show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < pb_last_len; i++)
		seq_printf(m, "%02x", pb_last[i]);
	seq_putc(m, '\n');
	return 0;
}

static const struct proc_ops pb_run_ops = { .proc_write = pb_run_write };
static const struct proc_ops pb_frame_ops = { .proc_write = pb_frame_write };

/* --- module --- */

static int __init pb_init(void)
{
	struct proc_dir_entry *dir;
	int err;

	err = rtnl_link_register(&pb_link);
	if (err)
		return err;
	err = nf_register_net_hook(&init_net, &pb_hook);
	if (err)
		goto err_link;
	dir = proc_mkdir("pktbench", NULL);
	proc_create("run", 0200, dir, &pb_run_ops);
	proc_create("frame", 0200, dir, &pb_frame_ops);
	proc_create_single("result", 0400, dir, pb_result_show);
	proc_create_single("last", 0400, dir, pb_last_show);
	return 0;

err_link:
	rtnl_link_unregister(&pb_link);
	return err;
}

static void __exit pb_exit(void)
{
	remove_proc_subtree("pktbench", NULL);
	nf_unregister_net_hook(&init_net, &pb_hook);
	rtnl_link_unregister(&pb_link);
}

module_init(pb_init);
module_exit(pb_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Cost of a packet's way through the kernel");
