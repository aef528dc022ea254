/*
 * Allwinner Reduced Serial Bus: the controller, and what its devices share
 *
 * Transfers are done as soon as they are started.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/irq.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "allwinner-a80.h"
#include "trace.h"

REG32(CTRL, 0x00)
    FIELD(CTRL, SOFT_RESET, 0, 1)
    FIELD(CTRL, INT_ENABLE, 1, 1)
    FIELD(CTRL, ABORT, 6, 1)
    FIELD(CTRL, START, 7, 1)
REG32(CCR, 0x04)
REG32(INTE, 0x08)
REG32(INTS, 0x0c)
    FIELD(INTS, OVER, 0, 1)
    FIELD(INTS, ERROR, 1, 1)
    FIELD(INTS, BUSY, 2, 1)
    FIELD(INTS, ERROR_ACK, 16, 1)
REG32(ADDR, 0x10)
REG32(DATA, 0x1c)
REG32(DMCR, 0x28)
    FIELD(DMCR, START, 31, 1)
REG32(CMD, 0x2c)
REG32(DAR, 0x30)
    FIELD(DAR, HARDWARE, 0, 16)
    FIELD(DAR, RUN_TIME, 16, 8)

#define INTS_MASK (R_INTS_OVER_MASK | R_INTS_ERROR_MASK | R_INTS_BUSY_MASK)

/* Commands: the codes have a parity in their upper bits. */
enum {
    CMD_WRITE8 = 0x4e,
    CMD_WRITE16 = 0x59,
    CMD_WRITE32 = 0x63,
    CMD_READ8 = 0x8b,
    CMD_READ16 = 0x9c,
    CMD_READ32 = 0xa6,
    CMD_SET_RUN_TIME_ADDRESS = 0xe8,
};

static void aw_rsb_update_irq(AwRsbState *s)
{
    bool enabled = FIELD_EX32(s->regs[R_CTRL], CTRL, INT_ENABLE);

    qemu_set_irq(s->irq, enabled && (s->regs[R_INTS] & s->regs[R_INTE] &
                                     INTS_MASK));
}

static AwRsbDevice *device_with_hardware_address(AwRsbState *s,
                                                 uint16_t address)
{
    BusChild *kid;

    QTAILQ_FOREACH(kid, &s->bus->children, sibling) {
        AwRsbDevice *dev = AW_RSB_DEVICE(kid->child);

        if (AW_RSB_DEVICE_GET_CLASS(dev)->hardware_address == address) {
            return dev;
        }
    }
    return NULL;
}

static AwRsbDevice *device_with_run_time_address(AwRsbState *s,
                                                 uint8_t address)
{
    BusChild *kid;

    QTAILQ_FOREACH(kid, &s->bus->children, sibling) {
        AwRsbDevice *dev = AW_RSB_DEVICE(kid->child);

        if (address && dev->run_time_address == address) {
            return dev;
        }
    }
    return NULL;
}

/* Returns whether a device answered. */
static bool aw_rsb_set_address(AwRsbState *s)
{
    uint16_t hardware = FIELD_EX32(s->regs[R_DAR], DAR, HARDWARE);
    uint8_t run_time = FIELD_EX32(s->regs[R_DAR], DAR, RUN_TIME);
    AwRsbDevice *dev = device_with_hardware_address(s, hardware);

    trace_aw_rsb_set_address(hardware, run_time);
    if (!dev) {
        return false;
    }
    dev->run_time_address = run_time;
    return true;
}

/* Returns whether a device answered. */
static bool aw_rsb_access(AwRsbState *s, bool write, unsigned width)
{
    uint8_t run_time = FIELD_EX32(s->regs[R_DAR], DAR, RUN_TIME);
    uint8_t reg = s->regs[R_ADDR];
    AwRsbDevice *dev = device_with_run_time_address(s, run_time);
    AwRsbDeviceClass *class;

    if (!dev) {
        qemu_log_mask(LOG_GUEST_ERROR, "%s: no device at 0x%02x\n", __func__,
                      run_time);
        return false;
    }
    class = AW_RSB_DEVICE_GET_CLASS(dev);
    if (class->width != width) {
        qemu_log_mask(LOG_GUEST_ERROR, "%s: %u bytes at once of %s, which has "
                      "registers of %u\n", __func__, width,
                      object_get_typename(OBJECT(dev)), class->width);
        return false;
    }
    if (write) {
        class->write(dev, reg, s->regs[R_DATA]);
    } else {
        s->regs[R_DATA] = class->read(dev, reg);
    }
    trace_aw_rsb_access(object_get_typename(OBJECT(dev)),
                        write ? "write" : "read", reg, s->regs[R_DATA]);
    return true;
}

static bool aw_rsb_command(AwRsbState *s)
{
    switch (s->regs[R_CMD]) {
    case CMD_SET_RUN_TIME_ADDRESS:
        return aw_rsb_set_address(s);
    case CMD_READ8:
        return aw_rsb_access(s, false, 1);
    case CMD_READ16:
        return aw_rsb_access(s, false, 2);
    case CMD_READ32:
        return aw_rsb_access(s, false, 4);
    case CMD_WRITE8:
        return aw_rsb_access(s, true, 1);
    case CMD_WRITE16:
        return aw_rsb_access(s, true, 2);
    case CMD_WRITE32:
        return aw_rsb_access(s, true, 4);
    default:
        qemu_log_mask(LOG_GUEST_ERROR, "%s: unknown command 0x%02x\n",
                      __func__, s->regs[R_CMD]);
        return false;
    }
}

static uint64_t aw_rsb_read(void *opaque, hwaddr offset, unsigned size)
{
    AwRsbState *s = opaque;

    return s->regs[offset / sizeof(uint32_t)];
}

static void aw_rsb_soft_reset(AwRsbState *s)
{
    memset(s->regs, 0, sizeof(s->regs));
}

static void aw_rsb_write(void *opaque, hwaddr offset, uint64_t value,
                         unsigned size)
{
    AwRsbState *s = opaque;

    switch (offset) {
    case A_CTRL:
        if (value & R_CTRL_SOFT_RESET_MASK) {
            aw_rsb_soft_reset(s);
            break;
        }
        s->regs[R_CTRL] = value & R_CTRL_INT_ENABLE_MASK;
        if (value & R_CTRL_START_MASK) {
            s->regs[R_INTS] |= aw_rsb_command(s) ? R_INTS_OVER_MASK :
                               R_INTS_ERROR_MASK | R_INTS_ERROR_ACK_MASK;
        }
        break;
    case A_INTS:
        s->regs[R_INTS] &= ~value;
        if (!FIELD_EX32(s->regs[R_INTS], INTS, ERROR)) {
            s->regs[R_INTS] &= INTS_MASK;
        }
        break;
    case A_DMCR:
        /*
         * Takes the devices from I2C, which they speak at power-on, to RSB.
         * They are not modelled as I2C devices. It ends like a transfer.
         */
        s->regs[R_DMCR] = value & ~R_DMCR_START_MASK;
        if (value & R_DMCR_START_MASK) {
            s->regs[R_INTS] |= R_INTS_OVER_MASK;
        }
        break;
    default:
        s->regs[offset / sizeof(uint32_t)] = value;
        break;
    }
    aw_rsb_update_irq(s);
}

static const MemoryRegionOps aw_rsb_ops = {
    .read = aw_rsb_read,
    .write = aw_rsb_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static void aw_rsb_reset_enter(Object *obj, ResetType type)
{
    aw_rsb_soft_reset(AW_RSB(obj));
}

static void aw_rsb_reset_hold(Object *obj, ResetType type)
{
    aw_rsb_update_irq(AW_RSB(obj));
}

static const VMStateDescription vmstate_aw_rsb = {
    .name = TYPE_AW_RSB,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, AwRsbState, AW_RSB_REGS),
        VMSTATE_END_OF_LIST()
    }
};

static void aw_rsb_init(Object *obj)
{
    AwRsbState *s = AW_RSB(obj);

    memory_region_init_io(&s->iomem, obj, &aw_rsb_ops, s, TYPE_AW_RSB,
                          sizeof(s->regs));
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    s->bus = qbus_new(TYPE_AW_RSB_BUS, DEVICE(obj), "rsb");
}

static void aw_rsb_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Allwinner Reduced Serial Bus";
    dc->vmsd = &vmstate_aw_rsb;
    rc->phases.enter = aw_rsb_reset_enter;
    rc->phases.hold = aw_rsb_reset_hold;
}

const VMStateDescription vmstate_aw_rsb_device = {
    .name = TYPE_AW_RSB_DEVICE,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(run_time_address, AwRsbDevice),
        VMSTATE_END_OF_LIST()
    }
};

static void aw_rsb_device_reset_enter(Object *obj, ResetType type)
{
    AW_RSB_DEVICE(obj)->run_time_address = 0;
}

static void aw_rsb_device_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->bus_type = TYPE_AW_RSB_BUS;
    rc->phases.enter = aw_rsb_device_reset_enter;
}

static const TypeInfo aw_rsb_types[] = {
    {
        .name = TYPE_AW_RSB_BUS,
        .parent = TYPE_BUS,
        .instance_size = sizeof(BusState),
    },
    {
        .name = TYPE_AW_RSB,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(AwRsbState),
        .instance_init = aw_rsb_init,
        .class_init = aw_rsb_class_init,
    },
    {
        .name = TYPE_AW_RSB_DEVICE,
        .parent = TYPE_DEVICE,
        .abstract = true,
        .instance_size = sizeof(AwRsbDevice),
        .class_size = sizeof(AwRsbDeviceClass),
        .class_init = aw_rsb_device_class_init,
    },
};

DEFINE_TYPES(aw_rsb_types)
