/*
 * Allwinner A80 CPUCFG and PRCM: which of the CPUs run
 *
 * A core runs while its power switch is closed, its power domain is not
 * gated, and neither its power-on reset nor its core reset is asserted. What
 * counts are the levels of these four, not the order in which they change:
 * Linux leaves the core reset deasserted when it switches a core off.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/core/cpu.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "target/arm/arm-powerctl.h"
#include "target/arm/cpu.h"
#include "allwinner-a80.h"
#include "trace.h"

/* CPUCFG; those of the second cluster follow at the distance given. */
REG32(CLUSTER_CONTROL1, 0x04)
    FIELD(CLUSTER_CONTROL1, ACINACTM, 0, 1)
REG32(CLUSTER_STATUS, 0x30)
    FIELD(CLUSTER_STATUS, STANDBY_WFI_L2, 0, 1)
    FIELD(CLUSTER_STATUS, STANDBY_WFI, 16, 4)
REG32(CLUSTER_RESET, 0x80)
    FIELD(CLUSTER_RESET, CORE, 0, 4)
    FIELD(CLUSTER_RESET, L2, 8, 1)
    FIELD(CLUSTER_RESET, H, 12, 1)

#define CLUSTER_CONTROL_STRIDE 0x10
#define CLUSTER_STATUS_STRIDE 0x04
#define CLUSTER_RESET_STRIDE 0x04

/* PRCM */
REG32(POWER_ON_RESET, 0x04)
REG32(POWER_OFF_GATING, 0x100)
    FIELD(POWER_OFF_GATING, CORE, 0, 4)
    FIELD(POWER_OFF_GATING, CLUSTER, 4, 1)
REG32(POWER_SWITCH, 0x140)

#define POWER_ON_RESET_STRIDE 0x04
#define POWER_OFF_GATING_STRIDE 0x04
#define POWER_SWITCH_CLUSTER_STRIDE 0x10
#define POWER_SWITCH_CORE_STRIDE 0x04

/* Every bit of a power switch opens a part of it. */
#define POWER_SWITCH_OPEN 0xff

static uint32_t cpucfg_reg(AwA80CpuCfgState *s, hwaddr offset)
{
    return s->cpucfg[offset / sizeof(uint32_t)];
}

static uint32_t prcm_reg(AwA80CpuCfgState *s, hwaddr offset)
{
    return s->prcm[offset / sizeof(uint32_t)];
}

static CPUState *core_cpu(unsigned cluster, unsigned core)
{
    return arm_get_cpu_by_id(cluster << ARM_AFF1_SHIFT | core);
}

static bool core_may_run(AwA80CpuCfgState *s, unsigned cluster, unsigned core)
{
    uint32_t gating = prcm_reg(s, A_POWER_OFF_GATING +
                                  cluster * POWER_OFF_GATING_STRIDE);
    uint32_t power_on_reset = prcm_reg(s, A_POWER_ON_RESET +
                                          cluster * POWER_ON_RESET_STRIDE);
    uint32_t power_switch = prcm_reg(s, A_POWER_SWITCH +
                                        cluster * POWER_SWITCH_CLUSTER_STRIDE +
                                        core * POWER_SWITCH_CORE_STRIDE);
    uint32_t reset = cpucfg_reg(s, A_CLUSTER_RESET +
                                   cluster * CLUSTER_RESET_STRIDE);

    return !(power_switch & POWER_SWITCH_OPEN) &&
           !(gating & (BIT(core) | R_POWER_OFF_GATING_CLUSTER_MASK)) &&
           (power_on_reset & BIT(core)) && (reset & BIT(core));
}

/*
 * Runs in the thread of the CPU. Unlike arm_set_cpu_on() and
 * arm_set_cpu_off(), which refuse a CPU that has not yet done what it was
 * asked for before, this takes requests in the order in which they come.
 */
static void core_set_running_work(CPUState *cpu, run_on_cpu_data data)
{
    ARMCPU *arm_cpu = ARM_CPU(cpu);

    if (data.host_int) {
        cpu_reset(cpu);
        cpu->halted = 0;
        arm_cpu->power_state = PSCI_ON;
    } else {
        cpu->halted = 1;
        cpu->exception_index = EXCP_HLT;
        arm_cpu->power_state = PSCI_OFF;
    }
}

static void aw_a80_cpucfg_update(AwA80CpuCfgState *s)
{
    for (unsigned i = 0; i < AW_A80_CPUS; i++) {
        unsigned cluster = i / AW_A80_CLUSTER_CPUS;
        unsigned core = i % AW_A80_CLUSTER_CPUS;
        bool run = core_may_run(s, cluster, core);

        if (run == extract32(s->running, i, 1)) {
            continue;
        }
        s->running = deposit32(s->running, i, 1, run);
        trace_aw_a80_cpucfg_core(cluster, core, run ? "on" : "off");
        async_run_on_cpu(core_cpu(cluster, core), core_set_running_work,
                         RUN_ON_CPU_HOST_INT(run));
    }
}

static bool core_is_idle(AwA80CpuCfgState *s, unsigned cluster, unsigned core)
{
    unsigned i = cluster * AW_A80_CLUSTER_CPUS + core;

    return !extract32(s->running, i, 1) || core_cpu(cluster, core)->halted;
}

static uint32_t cluster_status(AwA80CpuCfgState *s, unsigned cluster)
{
    uint32_t control1 = cpucfg_reg(s, A_CLUSTER_CONTROL1 +
                                      cluster * CLUSTER_CONTROL_STRIDE);
    uint32_t idle = 0;
    uint32_t status = 0;

    for (unsigned core = 0; core < AW_A80_CLUSTER_CPUS; core++) {
        idle |= core_is_idle(s, cluster, core) << core;
    }
    status = FIELD_DP32(status, CLUSTER_STATUS, STANDBY_WFI, idle);
    status = FIELD_DP32(status, CLUSTER_STATUS, STANDBY_WFI_L2,
                        idle == 0xf && FIELD_EX32(control1, CLUSTER_CONTROL1,
                                                  ACINACTM));
    return status;
}

static uint64_t aw_a80_cpucfg_read(void *opaque, hwaddr offset, unsigned size)
{
    AwA80CpuCfgState *s = opaque;
    uint32_t value = cpucfg_reg(s, offset);

    switch (offset) {
    case A_CLUSTER_STATUS:
        value = cluster_status(s, 0);
        break;
    case A_CLUSTER_STATUS + CLUSTER_STATUS_STRIDE:
        value = cluster_status(s, 1);
        break;
    }
    trace_aw_a80_cpucfg_read(offset, value);
    return value;
}

static void aw_a80_cpucfg_write(void *opaque, hwaddr offset, uint64_t value,
                                unsigned size)
{
    AwA80CpuCfgState *s = opaque;

    trace_aw_a80_cpucfg_write(offset, value);
    s->cpucfg[offset / sizeof(uint32_t)] = value;
    aw_a80_cpucfg_update(s);
}

static uint64_t aw_a80_prcm_read(void *opaque, hwaddr offset, unsigned size)
{
    AwA80CpuCfgState *s = opaque;
    uint32_t value = prcm_reg(s, offset);

    trace_aw_a80_prcm_read(offset, value);
    return value;
}

static void aw_a80_prcm_write(void *opaque, hwaddr offset, uint64_t value,
                              unsigned size)
{
    AwA80CpuCfgState *s = opaque;

    trace_aw_a80_prcm_write(offset, value);
    s->prcm[offset / sizeof(uint32_t)] = value;
    aw_a80_cpucfg_update(s);
}

static const MemoryRegionOps aw_a80_cpucfg_ops = {
    .read = aw_a80_cpucfg_read,
    .write = aw_a80_cpucfg_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static const MemoryRegionOps aw_a80_prcm_ops = {
    .read = aw_a80_prcm_read,
    .write = aw_a80_prcm_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

/* The first CPU runs, all others have no power. */
static void aw_a80_cpucfg_reset_enter(Object *obj, ResetType type)
{
    AwA80CpuCfgState *s = AW_A80_CPUCFG(obj);

    memset(s->cpucfg, 0, sizeof(s->cpucfg));
    memset(s->prcm, 0, sizeof(s->prcm));
    s->cpucfg[R_CLUSTER_RESET] =
        BIT(0) | R_CLUSTER_RESET_L2_MASK | R_CLUSTER_RESET_H_MASK;
    s->prcm[R_POWER_ON_RESET] = BIT(0);
    for (unsigned i = 1; i < AW_A80_CPUS; i++) {
        unsigned cluster = i / AW_A80_CLUSTER_CPUS;
        unsigned core = i % AW_A80_CLUSTER_CPUS;
        hwaddr power_switch = A_POWER_SWITCH +
                              cluster * POWER_SWITCH_CLUSTER_STRIDE +
                              core * POWER_SWITCH_CORE_STRIDE;

        s->prcm[power_switch / sizeof(uint32_t)] = POWER_SWITCH_OPEN;
    }
    s->running = BIT(0);
}

static const VMStateDescription vmstate_aw_a80_cpucfg = {
    .name = TYPE_AW_A80_CPUCFG,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(cpucfg, AwA80CpuCfgState,
                             AW_A80_CPUCFG_SIZE / sizeof(uint32_t)),
        VMSTATE_UINT32_ARRAY(prcm, AwA80CpuCfgState,
                             AW_A80_PRCM_SIZE / sizeof(uint32_t)),
        VMSTATE_UINT32(running, AwA80CpuCfgState),
        VMSTATE_END_OF_LIST()
    }
};

static void aw_a80_cpucfg_init(Object *obj)
{
    AwA80CpuCfgState *s = AW_A80_CPUCFG(obj);

    memory_region_init_io(&s->cpucfg_iomem, obj, &aw_a80_cpucfg_ops, s,
                          "allwinner-a80-cpucfg", AW_A80_CPUCFG_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->cpucfg_iomem);
    memory_region_init_io(&s->prcm_iomem, obj, &aw_a80_prcm_ops, s,
                          "allwinner-a80-prcm", AW_A80_PRCM_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->prcm_iomem);
}

static void aw_a80_cpucfg_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Allwinner A80 CPU power and reset";
    dc->vmsd = &vmstate_aw_a80_cpucfg;
    rc->phases.enter = aw_a80_cpucfg_reset_enter;
}

static const TypeInfo aw_a80_cpucfg_types[] = {
    {
        .name = TYPE_AW_A80_CPUCFG,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(AwA80CpuCfgState),
        .instance_init = aw_a80_cpucfg_init,
        .class_init = aw_a80_cpucfg_class_init,
    },
};

DEFINE_TYPES(aw_a80_cpucfg_types)
