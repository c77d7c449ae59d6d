// https://day.js.org/ and https://date-fns.org/; the time zone of apps is UTC.
import { addMonths, differenceInDays, format, formatDistance, parseISO } from "date-fns";
import { de } from "date-fns/locale";
import dayjs from "dayjs";
import duration from "dayjs/plugin/duration.js";
import relativeTime from "dayjs/plugin/relativeTime.js";
import timezone from "dayjs/plugin/timezone.js";
import utc from "dayjs/plugin/utc.js";

dayjs.extend(utc);
dayjs.extend(timezone);
dayjs.extend(duration);
dayjs.extend(relativeTime);

export default {
  fetch() {
    const date = parseISO("2024-01-31T13:05:09Z");
    return Response.json({
      dayjs: dayjs("2018-08-08").add(1, "month").format("YYYY-MM-DD dddd"),
      zone: dayjs.utc("2024-07-01T12:00:00Z").tz("America/New_York").format("YYYY-MM-DD HH:mm"),
      duration: dayjs.duration({ hours: 2, minutes: 30, seconds: 0 }).format("HH:mm:ss"),
      from: dayjs("2000-01-01").from("2000-01-04"),
      local: new Date(2024, 0, 1).toISOString(),
      format: format(date, "EEEE, do MMMM yyyy HH:mm:ss"),
      german: format(date, "d. MMMM yyyy", { locale: de }),
      added: format(addMonths(date, 1), "yyyy-MM-dd"),
      days: differenceInDays(parseISO("2024-03-01"), parseISO("2024-02-01")),
      distance: formatDistance(parseISO("2024-01-01"), parseISO("2024-01-04"), { addSuffix: true }),
    });
  },
};
