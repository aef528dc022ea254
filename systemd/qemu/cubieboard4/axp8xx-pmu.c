/*
 * X-Powers AXP806 and AXP809 power management units on a Reduced Serial Bus
 *
 * Registers remember what is written and start as zero; no voltage follows
 * from them. The AXP809 can switch the board off.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "migration/vmstate.h"
#include "qemu/module.h"
#include "system/runstate.h"
#include "allwinner-a80.h"

#define TYPE_AXP8XX "axp8xx-pmu"
OBJECT_DECLARE_SIMPLE_TYPE(Axp8xxState, AXP8XX)

#define AXP8XX_REGS 256

#define AXP809_OFF 0x32
#define AXP809_OFF_NOW BIT(7)

struct Axp8xxState {
    AwRsbDevice parent_obj;

    uint8_t regs[AXP8XX_REGS];
};

static uint16_t axp8xx_read(AwRsbDevice *dev, uint8_t reg)
{
    return AXP8XX(dev)->regs[reg];
}

static void axp8xx_write(AwRsbDevice *dev, uint8_t reg, uint16_t value)
{
    AXP8XX(dev)->regs[reg] = value;
}

static void axp809_write(AwRsbDevice *dev, uint8_t reg, uint16_t value)
{
    axp8xx_write(dev, reg, value);
    if (reg == AXP809_OFF && (value & AXP809_OFF_NOW)) {
        qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
    }
}

static void axp8xx_reset_hold(Object *obj, ResetType type)
{
    Axp8xxState *s = AXP8XX(obj);

    memset(s->regs, 0, sizeof(s->regs));
}

static const VMStateDescription vmstate_axp8xx = {
    .name = TYPE_AXP8XX,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(parent_obj, Axp8xxState, 0, vmstate_aw_rsb_device,
                       AwRsbDevice),
        VMSTATE_UINT8_ARRAY(regs, Axp8xxState, AXP8XX_REGS),
        VMSTATE_END_OF_LIST()
    }
};

static void axp8xx_class_init(ObjectClass *klass, void *data)
{
    AwRsbDeviceClass *rdc = AW_RSB_DEVICE_CLASS(klass);

    DEVICE_CLASS(klass)->vmsd = &vmstate_axp8xx;
    RESETTABLE_CLASS(klass)->phases.hold = axp8xx_reset_hold;
    rdc->width = 1;
    rdc->read = axp8xx_read;
    rdc->write = axp8xx_write;
}

static void axp806_class_init(ObjectClass *klass, void *data)
{
    DEVICE_CLASS(klass)->desc = "X-Powers AXP806 PMU";
    AW_RSB_DEVICE_CLASS(klass)->hardware_address = 0x745;
}

static void axp809_class_init(ObjectClass *klass, void *data)
{
    DEVICE_CLASS(klass)->desc = "X-Powers AXP809 PMU";
    AW_RSB_DEVICE_CLASS(klass)->hardware_address = 0x3a3;
    AW_RSB_DEVICE_CLASS(klass)->write = axp809_write;
}

static const TypeInfo axp8xx_types[] = {
    {
        .name = TYPE_AXP8XX,
        .parent = TYPE_AW_RSB_DEVICE,
        .abstract = true,
        .instance_size = sizeof(Axp8xxState),
        .class_init = axp8xx_class_init,
    },
    {
        .name = TYPE_AXP806,
        .parent = TYPE_AXP8XX,
        .class_init = axp806_class_init,
    },
    {
        .name = TYPE_AXP809,
        .parent = TYPE_AXP8XX,
        .class_init = axp809_class_init,
    },
};

DEFINE_TYPES(axp8xx_types)
