/*
 * Allwinner A80 Security Identifier
 *
 * 128 bits that are unique to a chip. U-Boot makes the MAC address from them.
 * The other fuses read as zero.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "allwinner-a80.h"

#define SID_SIZE 0x400
#define SID_IDENTIFIER 0x200
#define SID_IDENTIFIER_END (SID_IDENTIFIER + sizeof(QemuUUID))

static uint64_t aw_a80_sid_read(void *opaque, hwaddr offset, unsigned size)
{
    AwA80SidState *s = opaque;

    if (offset >= SID_IDENTIFIER && offset < SID_IDENTIFIER_END) {
        return ldl_be_p(&s->identifier.data[offset - SID_IDENTIFIER]);
    }
    qemu_log_mask(LOG_UNIMP, "%s: 0x%03" HWADDR_PRIx "\n", __func__, offset);
    return 0;
}

static void aw_a80_sid_write(void *opaque, hwaddr offset, uint64_t value,
                             unsigned size)
{
    qemu_log_mask(LOG_UNIMP, "%s: 0x%03" HWADDR_PRIx " = 0x%08" PRIx64 "\n",
                  __func__, offset, value);
}

static const MemoryRegionOps aw_a80_sid_ops = {
    .read = aw_a80_sid_read,
    .write = aw_a80_sid_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 1,
        .max_access_size = 4,
    },
    .impl = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static void aw_a80_sid_init(Object *obj)
{
    AwA80SidState *s = AW_A80_SID(obj);

    memory_region_init_io(&s->iomem, obj, &aw_a80_sid_ops, s, TYPE_AW_A80_SID,
                          SID_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const Property aw_a80_sid_properties[] = {
    DEFINE_PROP_UUID_NODEFAULT("identifier", AwA80SidState, identifier),
};

static void aw_a80_sid_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    /* Reason for no vmsd: it is fixed by a property. */
    dc->desc = "Allwinner A80 Security Identifier";
    device_class_set_props(dc, aw_a80_sid_properties);
}

static const TypeInfo aw_a80_sid_types[] = {
    {
        .name = TYPE_AW_A80_SID,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(AwA80SidState),
        .instance_init = aw_a80_sid_init,
        .class_init = aw_a80_sid_class_init,
    },
};

DEFINE_TYPES(aw_a80_sid_types)
