/*
 * Allwinner A80 gigabit Ethernet: a DesignWare GMAC with a Realtek RTL8211E
 *
 * The MAC is QEMU's model of the same core in Nuvoton's SoCs. Two of its
 * registers are ours: MII_ADDR, because the board's PHY is another one at
 * another address, and HW_FEATURE, which reads as zero on an A80.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/irq.h"
#include "hw/net/mii.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "net/net.h"
#include "qapi/error.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "allwinner-a80.h"
#include "trace.h"

#define GMAC_SIZE (8 * KiB)

REG32(MII_ADDR, 0x10)
    FIELD(MII_ADDR, BUSY, 0, 1)
    FIELD(MII_ADDR, WRITE, 1, 1)
    FIELD(MII_ADDR, REG, 6, 5)
    FIELD(MII_ADDR, PHY, 11, 5)
REG32(MII_DATA, 0x14)
REG32(HW_FEATURE, 0x1058)

#define PHY_ADDRESS 1
#define NO_PHY 0xffff

/* Of the RTL8211E: "PHY Specific Status" and "Page Select". */
#define PHY_STATUS 17
#define PHY_STATUS_1000_FULL_LINK 0xac00
#define PHY_PAGE 31

#define PHY_BMSR (MII_BMSR_100TX_FD | MII_BMSR_100TX_HD | MII_BMSR_10T_FD | \
                  MII_BMSR_10T_HD | MII_BMSR_EXTSTAT | MII_BMSR_MFPS | \
                  MII_BMSR_AUTONEG | MII_BMSR_EXTCAP)
#define PHY_ABILITIES (MII_ANAR_TXFD | MII_ANAR_TX | MII_ANAR_10FD | \
                       MII_ANAR_10 | MII_ANAR_CSMACD)
#define PHY_PARTNER (MII_ANLPAR_ACK | MII_ANLPAR_TXFD | MII_ANLPAR_TX | \
                     MII_ANLPAR_10FD | MII_ANLPAR_10 | MII_ANLPAR_CSMACD)
/* Local and remote receiver are fine, the partner can do 1000BASE-T. */
#define PHY_STAT1000 (BIT(13) | BIT(12) | MII_STAT1000_FULL)
#define PHY_EXTSTAT 0x3000

static const uint16_t phy_reset_values[AW_A80_GMAC_PHY_REGS] = {
    [MII_BMCR] = MII_BMCR_AUTOEN | MII_BMCR_FD | MII_BMCR_SPEED1000,
    [MII_PHYID1] = 0x001c,
    [MII_PHYID2] = 0xc915,
    [MII_ANAR] = PHY_ABILITIES,
    [MII_CTRL1000] = MII_CTRL1000_FULL,
    [MII_EXTSTAT] = PHY_EXTSTAT,
};

static void phy_restart_autoneg(AwA80GmacState *s)
{
    s->link_time = qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + s->autoneg_ms;
}

static bool phy_has_cable(AwA80GmacState *s)
{
    NetClientState *nc = qemu_get_queue(s->mac.nic);

    return nc->peer && !nc->link_down;
}

/* Nothing happens when the link comes up; drivers poll it. */
static bool phy_has_link(AwA80GmacState *s)
{
    bool cable = phy_has_cable(s);

    if (cable && !s->cable) {
        phy_restart_autoneg(s);
    }
    s->cable = cable;
    return cable && !(s->phy_regs[MII_BMCR] & MII_BMCR_PDOWN) &&
           qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) >= s->link_time;
}

static uint16_t phy_read(AwA80GmacState *s, unsigned reg)
{
    bool link = phy_has_link(s);

    if (s->phy_regs[PHY_PAGE] && reg != PHY_PAGE) {
        qemu_log_mask(LOG_UNIMP, "%s: register %u of page %u\n", __func__, reg,
                      s->phy_regs[PHY_PAGE]);
        return 0;
    }
    switch (reg) {
    case MII_BMSR:
        return PHY_BMSR | (link ? MII_BMSR_LINK_ST | MII_BMSR_AN_COMP : 0);
    case MII_ANLPAR:
        return link ? PHY_PARTNER : 0;
    case MII_ANER:
        return link ? MII_ANER_NWAY : 0;
    case MII_STAT1000:
        return link ? PHY_STAT1000 : 0;
    case PHY_STATUS:
        return link ? PHY_STATUS_1000_FULL_LINK : 0;
    default:
        return s->phy_regs[reg];
    }
}

static void phy_write(AwA80GmacState *s, unsigned reg, uint16_t value)
{
    if (s->phy_regs[PHY_PAGE] && reg != PHY_PAGE) {
        qemu_log_mask(LOG_UNIMP, "%s: register %u of page %u = 0x%04x\n",
                      __func__, reg, s->phy_regs[PHY_PAGE], value);
        return;
    }
    switch (reg) {
    case MII_BMCR:
        if (value & MII_BMCR_RESET) {
            memcpy(s->phy_regs, phy_reset_values, sizeof(s->phy_regs));
            phy_restart_autoneg(s);
            return;
        }
        /* Waking up means to negotiate again, too. */
        if (value & MII_BMCR_ANRESTART ||
            (s->phy_regs[MII_BMCR] & ~value & MII_BMCR_PDOWN)) {
            phy_restart_autoneg(s);
        }
        s->phy_regs[MII_BMCR] = value & ~MII_BMCR_ANRESTART;
        break;
    case MII_PHYID1:
    case MII_PHYID2:
    case MII_EXTSTAT:
        qemu_log_mask(LOG_GUEST_ERROR, "%s: write to read-only register %u\n",
                      __func__, reg);
        break;
    default:
        s->phy_regs[reg] = value;
        break;
    }
}

static uint64_t aw_a80_gmac_mii_read(void *opaque, hwaddr offset,
                                     unsigned size)
{
    AwA80GmacState *s = opaque;

    return s->mii_addr;
}

static void aw_a80_gmac_mii_write(void *opaque, hwaddr offset, uint64_t value,
                                  unsigned size)
{
    AwA80GmacState *s = opaque;
    unsigned phy = FIELD_EX32(value, MII_ADDR, PHY);
    unsigned reg = FIELD_EX32(value, MII_ADDR, REG);
    uint32_t *data = &s->mac.regs[R_MII_DATA];

    s->mii_addr = value & ~R_MII_ADDR_BUSY_MASK;
    if (!(value & R_MII_ADDR_BUSY_MASK)) {
        return;
    }
    if (value & R_MII_ADDR_WRITE_MASK) {
        trace_aw_a80_gmac_phy_write(phy, reg, *data);
        if (phy == PHY_ADDRESS) {
            phy_write(s, reg, *data);
        }
    } else {
        *data = phy == PHY_ADDRESS ? phy_read(s, reg) : NO_PHY;
        trace_aw_a80_gmac_phy_read(phy, reg, *data);
    }
}

static const MemoryRegionOps aw_a80_gmac_mii_ops = {
    .read = aw_a80_gmac_mii_read,
    .write = aw_a80_gmac_mii_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static uint64_t aw_a80_gmac_feature_read(void *opaque, hwaddr offset,
                                         unsigned size)
{
    return 0;
}

static void aw_a80_gmac_feature_write(void *opaque, hwaddr offset,
                                      uint64_t value, unsigned size)
{
    qemu_log_mask(LOG_GUEST_ERROR, "%s: write to a read-only register\n",
                  __func__);
}

static const MemoryRegionOps aw_a80_gmac_feature_ops = {
    .read = aw_a80_gmac_feature_read,
    .write = aw_a80_gmac_feature_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

/* The SoC's reset of the MAC, which leaves the PHY alone. */
static void aw_a80_gmac_bus_reset(void *opaque, int n, int level)
{
    AwA80GmacState *s = opaque;

    if (level) {
        s->mii_addr = 0;
        device_cold_reset(DEVICE(&s->mac));
    }
}

static void aw_a80_gmac_reset_enter(Object *obj, ResetType type)
{
    AwA80GmacState *s = AW_A80_GMAC(obj);

    s->mii_addr = 0;
    memcpy(s->phy_regs, phy_reset_values, sizeof(s->phy_regs));
    s->cable = phy_has_cable(s);
    phy_restart_autoneg(s);
}

static const VMStateDescription vmstate_aw_a80_gmac = {
    .name = TYPE_AW_A80_GMAC,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(mii_addr, AwA80GmacState),
        VMSTATE_UINT16_ARRAY(phy_regs, AwA80GmacState, AW_A80_GMAC_PHY_REGS),
        VMSTATE_INT64(link_time, AwA80GmacState),
        VMSTATE_BOOL(cable, AwA80GmacState),
        VMSTATE_END_OF_LIST()
    }
};

static void aw_a80_gmac_init(Object *obj)
{
    AwA80GmacState *s = AW_A80_GMAC(obj);
    DeviceState *dev = DEVICE(obj);

    object_initialize_child(obj, "mac", &s->mac, TYPE_NPCM_GMAC);
    memory_region_init(&s->container, obj, TYPE_AW_A80_GMAC, GMAC_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->container);
    memory_region_init_io(&s->mii_iomem, obj, &aw_a80_gmac_mii_ops, s,
                          "allwinner-a80-gmac-mii", sizeof(uint32_t));
    memory_region_init_io(&s->feature_iomem, obj, &aw_a80_gmac_feature_ops, s,
                          "allwinner-a80-gmac-feature", sizeof(uint32_t));
    qdev_init_gpio_in_named(dev, aw_a80_gmac_bus_reset, "bus-reset", 1);
}

static void aw_a80_gmac_realize(DeviceState *dev, Error **errp)
{
    AwA80GmacState *s = AW_A80_GMAC(dev);
    SysBusDevice *mac = SYS_BUS_DEVICE(&s->mac);

    qemu_configure_nic_device(DEVICE(&s->mac), true, NULL);
    if (!sysbus_realize(mac, errp)) {
        return;
    }
    sysbus_pass_irq(SYS_BUS_DEVICE(dev), mac);
    memory_region_add_subregion(&s->container, 0,
                                sysbus_mmio_get_region(mac, 0));
    memory_region_add_subregion_overlap(&s->container, A_MII_ADDR,
                                        &s->mii_iomem, 1);
    memory_region_add_subregion_overlap(&s->container, A_HW_FEATURE,
                                        &s->feature_iomem, 1);
}

static const Property aw_a80_gmac_properties[] = {
    /* Of the order that 1000BASE-T takes. */
    DEFINE_PROP_UINT32("autoneg-ms", AwA80GmacState, autoneg_ms, 2000),
};

static void aw_a80_gmac_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Allwinner A80 gigabit Ethernet";
    dc->realize = aw_a80_gmac_realize;
    dc->vmsd = &vmstate_aw_a80_gmac;
    device_class_set_props(dc, aw_a80_gmac_properties);
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
    rc->phases.enter = aw_a80_gmac_reset_enter;
}

static const TypeInfo aw_a80_gmac_types[] = {
    {
        .name = TYPE_AW_A80_GMAC,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(AwA80GmacState),
        .instance_init = aw_a80_gmac_init,
        .class_init = aw_a80_gmac_class_init,
    },
};

DEFINE_TYPES(aw_a80_gmac_types)
