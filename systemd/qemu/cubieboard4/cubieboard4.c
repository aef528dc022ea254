/*
 * Cubietech Cubieboard4 (CC-A80): an Allwinner A80 with 2 GiB of memory
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/arm/boot.h"
#include "hw/boards.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "hw/sd/sd.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "system/block-backend.h"
#include "system/blockdev.h"
#include "system/qtest.h"
#include "allwinner-a80.h"

#define TYPE_CUBIEBOARD4_MACHINE MACHINE_TYPE_NAME("cubieboard4")
OBJECT_DECLARE_SIMPLE_TYPE(Cubieboard4State, CUBIEBOARD4_MACHINE)

/* Closed, and so low, while a card is in the slot. */
#define CARD_DETECT_PIN AW_A80_PIN('H', 18)

/* U-Boot makes the MAC address from it: no word may be zero. */
#define DEFAULT_IDENTIFIER "16516618-1111-2222-3333-444455556666"

struct Cubieboard4State {
    MachineState parent_obj;

    AwA80State *soc;
    struct arm_boot_info boot_info;
    bool card_detect;
    bool card_inserted;
    bool rtc_battery;
};

static void cubieboard4_update_card_detect(Cubieboard4State *s)
{
    bool detected = s->card_detect && s->card_inserted;

    qemu_set_irq(qdev_get_gpio_in(DEVICE(&s->soc->pio), CARD_DETECT_PIN),
                 !detected);
}

static void cubieboard4_init_card(Cubieboard4State *s)
{
    DriveInfo *drive = drive_get(IF_SD, 0, 0);
    BlockBackend *blk = drive ? blk_by_legacy_dinfo(drive) : NULL;
    DeviceState *card = qdev_new(TYPE_SD_CARD);

    qdev_prop_set_drive_err(card, "drive", blk, &error_fatal);
    qdev_realize_and_unref(card, qdev_get_child_bus(DEVICE(s->soc), "sd-bus"),
                           &error_fatal);
    s->card_inserted = blk && blk_is_available(blk);
    if (s->card_inserted) {
        allwinner_a80_load_spl(blk, &error_fatal);
    } else if (!qtest_enabled()) {
        error_report("this machine starts from an SD card: "
                     "-drive if=sd,format=raw,file=...");
        exit(1);
    }
    cubieboard4_update_card_detect(s);
}

static void cubieboard4_init_rsb(Cubieboard4State *s)
{
    BusState *bus = s->soc->rsb.bus;
    DeviceState *ac100 = qdev_new(TYPE_AC100);

    qdev_realize_and_unref(qdev_new(TYPE_AXP809), bus, &error_fatal);
    qdev_realize_and_unref(qdev_new(TYPE_AXP806), bus, &error_fatal);
    qdev_prop_set_bit(ac100, "battery", s->rtc_battery);
    qdev_realize_and_unref(ac100, bus, &error_fatal);
}

static void cubieboard4_init(MachineState *machine)
{
    Cubieboard4State *s = CUBIEBOARD4_MACHINE(machine);
    MachineClass *mc = MACHINE_GET_CLASS(machine);

    if (machine->ram_size != mc->default_ram_size) {
        error_report("this machine has 2 GiB of memory, no more and no less");
        exit(1);
    }
    if (machine->firmware || machine->kernel_filename) {
        error_report("this machine starts from its SD card: "
                     "-bios and -kernel are not supported");
        exit(1);
    }

    s->soc = AW_A80(object_new(TYPE_AW_A80));
    object_property_add_child(OBJECT(machine), "soc", OBJECT(s->soc));
    object_unref(OBJECT(s->soc));
    if (qemu_uuid_is_null(&s->soc->sid.identifier)) {
        qdev_prop_set_string(DEVICE(s->soc), "identifier", DEFAULT_IDENTIFIER);
    }
    qdev_realize(DEVICE(s->soc), NULL, &error_fatal);

    memory_region_add_subregion(get_system_memory(), AW_A80_SDRAM_BASE,
                                machine->ram);
    cubieboard4_init_rsb(s);
    cubieboard4_init_card(s);

    /* There is no kernel to load: it has the CPUs reset with the machine. */
    s->boot_info.loader_start = AW_A80_SDRAM_BASE;
    s->boot_info.ram_size = machine->ram_size;
    arm_load_kernel(s->soc->cpus[0], machine, &s->boot_info);
}

static bool cubieboard4_get_card_detect(Object *obj, Error **errp)
{
    return CUBIEBOARD4_MACHINE(obj)->card_detect;
}

static void cubieboard4_set_card_detect(Object *obj, bool value, Error **errp)
{
    Cubieboard4State *s = CUBIEBOARD4_MACHINE(obj);

    s->card_detect = value;
    if (s->soc) {
        cubieboard4_update_card_detect(s);
    }
}

static bool cubieboard4_get_rtc_battery(Object *obj, Error **errp)
{
    return CUBIEBOARD4_MACHINE(obj)->rtc_battery;
}

static void cubieboard4_set_rtc_battery(Object *obj, bool value, Error **errp)
{
    CUBIEBOARD4_MACHINE(obj)->rtc_battery = value;
}

static void cubieboard4_instance_init(Object *obj)
{
    CUBIEBOARD4_MACHINE(obj)->card_detect = true;
}

static void cubieboard4_class_init(ObjectClass *klass, void *data)
{
    static const char * const valid_cpu_types[] = {
        ARM_CPU_TYPE_NAME("cortex-a7"),
        NULL
    };
    MachineClass *mc = MACHINE_CLASS(klass);

    mc->desc = "Cubietech Cubieboard4 (4 Cortex-A7, 4 Cortex-A15)";
    mc->init = cubieboard4_init;
    mc->block_default_type = IF_SD;
    mc->units_per_default_bus = 1;
    mc->min_cpus = AW_A80_CPUS;
    mc->max_cpus = AW_A80_CPUS;
    mc->default_cpus = AW_A80_CPUS;
    /* Of the first cluster; that of the second one is fixed. */
    mc->default_cpu_type = ARM_CPU_TYPE_NAME("cortex-a7");
    mc->valid_cpu_types = valid_cpu_types;
    mc->default_ram_size = 2 * GiB;
    mc->default_ram_id = "cubieboard4.ram";
    mc->auto_create_sdcard = true;

    object_class_property_add_bool(klass, "card-detect",
                                   cubieboard4_get_card_detect,
                                   cubieboard4_set_card_detect);
    object_class_property_set_description(klass, "card-detect",
        "off: pin PH18 reads 1 with a card in the slot, as on some boards");
    object_class_property_add_bool(klass, "rtc-battery",
                                   cubieboard4_get_rtc_battery,
                                   cubieboard4_set_rtc_battery);
    object_class_property_set_description(klass, "rtc-battery",
        "on: the AC100's clock starts with the host's time, not in 1970");
}

static const TypeInfo cubieboard4_types[] = {
    {
        .name = TYPE_CUBIEBOARD4_MACHINE,
        .parent = TYPE_MACHINE,
        .instance_size = sizeof(Cubieboard4State),
        .instance_init = cubieboard4_instance_init,
        .class_init = cubieboard4_class_init,
    },
};

DEFINE_TYPES(cubieboard4_types)
