/*
 * X-Powers AC100 audio codec and real-time clock on a Reduced Serial Bus
 *
 * The clock runs, from 1970 on unless it has a battery. Its alarms and the
 * codec are not modelled: their registers remember what is written.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qemu/bcd.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "system/rtc.h"
#include "system/system.h"
#include "allwinner-a80.h"
#include "trace.h"

OBJECT_DECLARE_SIMPLE_TYPE(Ac100State, AC100)

#define AC100_REGS 256

/* The clock's registers are BCD, the time of day in 24 hours. */
enum {
    RTC_SECONDS = 0xc8,
    RTC_MINUTES,
    RTC_HOURS,
    RTC_WEEKDAY,
    RTC_DAY,
    RTC_MONTH,
    RTC_YEAR,
    RTC_UPDATE,
};

/* Software says so, and nothing checks it. */
#define RTC_YEAR_LEAP BIT(15)
#define RTC_YEAR_MASK 0xff
#define RTC_YEAR_BASE 1970

/* What was written to the other registers becomes the time. */
#define RTC_UPDATE_NOW BIT(15)

struct Ac100State {
    AwRsbDevice parent_obj;

    bool battery;
    uint16_t regs[AC100_REGS];
    /* seconds between QEMU's clock and this one */
    int64_t offset;
};

static int64_t qemu_rtc_seconds(void)
{
    return qemu_clock_get_ns(rtc_clock) / NANOSECONDS_PER_SECOND;
}

static void ac100_get_time(Ac100State *s, struct tm *tm)
{
    time_t now = qemu_rtc_seconds() + s->offset;

    gmtime_r(&now, tm);
}

static void ac100_set_time(Ac100State *s)
{
    struct tm tm = {
        .tm_sec = from_bcd(s->regs[RTC_SECONDS] & 0x7f),
        .tm_min = from_bcd(s->regs[RTC_MINUTES] & 0x7f),
        .tm_hour = from_bcd(s->regs[RTC_HOURS] & 0x3f),
        .tm_mday = from_bcd(s->regs[RTC_DAY] & 0x3f),
        .tm_mon = from_bcd(s->regs[RTC_MONTH] & 0x1f) - 1,
        .tm_year = from_bcd(s->regs[RTC_YEAR] & RTC_YEAR_MASK) +
                   RTC_YEAR_BASE - 1900,
    };

    s->offset = mktimegm(&tm) - qemu_rtc_seconds();
    trace_ac100_set_time(s->offset);
}

static uint16_t ac100_read(AwRsbDevice *dev, uint8_t reg)
{
    Ac100State *s = AC100(dev);
    struct tm tm;

    ac100_get_time(s, &tm);
    switch (reg) {
    case RTC_SECONDS:
        return to_bcd(tm.tm_sec);
    case RTC_MINUTES:
        return to_bcd(tm.tm_min);
    case RTC_HOURS:
        return to_bcd(tm.tm_hour);
    case RTC_WEEKDAY:
        return tm.tm_wday;
    case RTC_DAY:
        return to_bcd(tm.tm_mday);
    case RTC_MONTH:
        return to_bcd(tm.tm_mon + 1);
    case RTC_YEAR:
        return to_bcd((tm.tm_year + 1900 - RTC_YEAR_BASE) % 100) |
               (s->regs[RTC_YEAR] & RTC_YEAR_LEAP);
    case RTC_UPDATE:
        return 0;
    default:
        return s->regs[reg];
    }
}

static void ac100_write(AwRsbDevice *dev, uint8_t reg, uint16_t value)
{
    Ac100State *s = AC100(dev);

    s->regs[reg] = value;
    if (reg == RTC_UPDATE && (value & RTC_UPDATE_NOW)) {
        ac100_set_time(s);
    }
}

/* A reset of the board does not take the power from the clock. */
static void ac100_reset_hold(Object *obj, ResetType type)
{
    Ac100State *s = AC100(obj);

    memset(s->regs, 0, sizeof(s->regs));
}

static void ac100_realize(DeviceState *dev, Error **errp)
{
    Ac100State *s = AC100(dev);

    s->offset = -qemu_rtc_seconds();
    if (s->battery) {
        struct tm tm;

        qemu_get_timedate(&tm, 0);
        s->offset += mktimegm(&tm);
    }
}

static const VMStateDescription vmstate_ac100 = {
    .name = TYPE_AC100,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(parent_obj, Ac100State, 0, vmstate_aw_rsb_device,
                       AwRsbDevice),
        VMSTATE_UINT16_ARRAY(regs, Ac100State, AC100_REGS),
        VMSTATE_INT64(offset, Ac100State),
        VMSTATE_END_OF_LIST()
    }
};

static const Property ac100_properties[] = {
    DEFINE_PROP_BOOL("battery", Ac100State, battery, false),
};

static void ac100_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    AwRsbDeviceClass *rdc = AW_RSB_DEVICE_CLASS(klass);

    dc->desc = "X-Powers AC100 codec and RTC";
    dc->realize = ac100_realize;
    dc->vmsd = &vmstate_ac100;
    device_class_set_props(dc, ac100_properties);
    RESETTABLE_CLASS(klass)->phases.hold = ac100_reset_hold;
    rdc->hardware_address = 0xe89;
    rdc->width = 2;
    rdc->read = ac100_read;
    rdc->write = ac100_write;
}

static const TypeInfo ac100_types[] = {
    {
        .name = TYPE_AC100,
        .parent = TYPE_AW_RSB_DEVICE,
        .instance_size = sizeof(Ac100State),
        .class_init = ac100_class_init,
    },
};

DEFINE_TYPES(ac100_types)
