/*
 * Allwinner A80 pin controller
 *
 * The board drives pins through the GPIO inputs. A pin that is configured as
 * an output reads what was written to it, any other one what the board drives.
 * Pulls, drive strength and interrupts are not modelled.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "migration/vmstate.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "allwinner-a80.h"
#include "trace.h"

/* A port has four words of configuration (four bits a pin), then its data. */
#define PORT_STRIDE 0x24
#define PORT_DATA 0x10
#define PORTS_END (AW_A80_PIO_PORTS * PORT_STRIDE)

#define PINS_PER_CONFIG 8
#define CONFIG_BITS 4
#define CONFIG_OUTPUT 1

static uint32_t port_outputs(AwA80PioState *s, unsigned port)
{
    uint32_t *config = &s->regs[port * PORT_STRIDE / sizeof(uint32_t)];
    uint32_t outputs = 0;

    for (unsigned pin = 0; pin < AW_A80_PIO_PORT_PINS; pin++) {
        if (extract32(config[pin / PINS_PER_CONFIG],
                      pin % PINS_PER_CONFIG * CONFIG_BITS,
                      CONFIG_BITS) == CONFIG_OUTPUT) {
            outputs |= BIT(pin);
        }
    }
    return outputs;
}

static uint64_t aw_a80_pio_read(void *opaque, hwaddr offset, unsigned size)
{
    AwA80PioState *s = opaque;
    uint32_t value = s->regs[offset / sizeof(uint32_t)];

    if (offset < PORTS_END && offset % PORT_STRIDE == PORT_DATA) {
        unsigned port = offset / PORT_STRIDE;
        uint32_t outputs = port_outputs(s, port);

        value = (value & outputs) | (s->inputs[port] & ~outputs);
    }
    trace_aw_a80_pio_read(offset, value);
    return value;
}

static void aw_a80_pio_write(void *opaque, hwaddr offset, uint64_t value,
                             unsigned size)
{
    AwA80PioState *s = opaque;

    trace_aw_a80_pio_write(offset, value);
    if (offset >= PORTS_END) {
        qemu_log_mask(LOG_UNIMP, "%s: 0x%03" HWADDR_PRIx " = 0x%08" PRIx64
                      " has no effect\n", __func__, offset, value);
    }
    s->regs[offset / sizeof(uint32_t)] = value;
}

static const MemoryRegionOps aw_a80_pio_ops = {
    .read = aw_a80_pio_read,
    .write = aw_a80_pio_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static void aw_a80_pio_set_pin(void *opaque, int n, int level)
{
    AwA80PioState *s = opaque;
    uint32_t *port = &s->inputs[n / AW_A80_PIO_PORT_PINS];

    *port = deposit32(*port, n % AW_A80_PIO_PORT_PINS, 1, !!level);
}

/* The levels on the pins are the board's: they survive a reset. */
static void aw_a80_pio_reset_enter(Object *obj, ResetType type)
{
    AwA80PioState *s = AW_A80_PIO(obj);

    memset(s->regs, 0, sizeof(s->regs));
}

static const VMStateDescription vmstate_aw_a80_pio = {
    .name = TYPE_AW_A80_PIO,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, AwA80PioState,
                             AW_A80_PIO_SIZE / sizeof(uint32_t)),
        VMSTATE_UINT32_ARRAY(inputs, AwA80PioState, AW_A80_PIO_PORTS),
        VMSTATE_END_OF_LIST()
    }
};

static void aw_a80_pio_init(Object *obj)
{
    AwA80PioState *s = AW_A80_PIO(obj);

    memory_region_init_io(&s->iomem, obj, &aw_a80_pio_ops, s, TYPE_AW_A80_PIO,
                          AW_A80_PIO_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    qdev_init_gpio_in(DEVICE(obj), aw_a80_pio_set_pin,
                      AW_A80_PIO_PORTS * AW_A80_PIO_PORT_PINS);
}

static void aw_a80_pio_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Allwinner A80 pin controller";
    dc->vmsd = &vmstate_aw_a80_pio;
    rc->phases.enter = aw_a80_pio_reset_enter;
}

static const TypeInfo aw_a80_pio_types[] = {
    {
        .name = TYPE_AW_A80_PIO,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(AwA80PioState),
        .instance_init = aw_a80_pio_init,
        .class_init = aw_a80_pio_class_init,
    },
};

DEFINE_TYPES(aw_a80_pio_types)
