// Time zone, Intl, Unicode. Run by ../test_platform.py, in a handler.

export const checks = {
  zone() {
    const date = new Date(2026, 6, 1, 12);
    same([date.toISOString(), date.getTimezoneOffset()], ["2026-07-01T12:00:00.000Z", 0]);
    same(["UTC", "Etc/UTC", "GMT"].includes(Intl.DateTimeFormat().resolvedOptions().timeZone), true);
  },
  intl() {
    same(new Intl.NumberFormat("de-DE", { style: "currency", currency: "EUR" }).format(1234.5), "1.234,50\u00a0€");
    same(new Intl.DateTimeFormat("ja-JP", { dateStyle: "full", timeZone: "Asia/Tokyo" }).format(0), "1970年1月1日木曜日");
    same(new Intl.PluralRules("ar").select(3), "few");
    same(["z", "ä", "a"].sort(new Intl.Collator("sv").compare), ["a", "z", "ä"]);
    same([...new Intl.Segmenter("th", { granularity: "word" }).segment("สวัสดีครับ")].length > 1, true);
    same(new Intl.ListFormat("fr").format(["a", "b", "c"]), "a, b et c");
    same("İ".toLocaleLowerCase("tr"), "i");
  },
  unicode() { same(["ﬁ".normalize("NFKC"), /\p{Script=Greek}/u.test("α")], ["fi", true]); },
};
