"""Words for numbers, days, months and times. Russian: months are genitive, days accusative."""

from clism_ray.corpus.language.table import words

WEEKDAYS = words("""
Monday | Montag | lunes | понедельник | सोमवार | 星期一
Tuesday | Dienstag | martes | вторник | मंगलवार | 星期二
Wednesday | Mittwoch | miércoles | среду | बुधवार | 星期三
Thursday | Donnerstag | jueves | четверг | गुरुवार | 星期四
Friday | Freitag | viernes | пятницу | शुक्रवार | 星期五
Saturday | Samstag | sábado | субботу | शनिवार | 星期六
Sunday | Sonntag | domingo | воскресенье | रविवार | 星期日
""")

MONTHS = words("""
January | Januar | enero | января | जनवरी | 1月
February | Februar | febrero | февраля | फ़रवरी | 2月
March | März | marzo | марта | मार्च | 3月
April | April | abril | апреля | अप्रैल | 4月
May | Mai | mayo | мая | मई | 5月
June | Juni | junio | июня | जून | 6月
July | Juli | julio | июля | जुलाई | 7月
August | August | agosto | августа | अगस्त | 8月
September | September | septiembre | сентября | सितंबर | 9月
October | Oktober | octubre | октября | अक्टूबर | 10月
November | November | noviembre | ноября | नवंबर | 11月
December | Dezember | diciembre | декабря | दिसंबर | 12月
""")

ADVERBS = words("""
yesterday | gestern | ayer | вчера | कल | 昨天
recently | kürzlich | recientemente | недавно | हाल_ही_में | 最近
last_year | letztes_Jahr | el_año_pasado | в_прошлом_году | पिछले_साल | 去年
two_weeks_ago | vor_zwei_Wochen | hace_dos_semanas | две_недели_назад | दो_हफ़्ते_पहले | 两周前
today | heute | hoy | сегодня | आज | 今天
last_night | gestern_Abend | anoche | вчера_вечером | कल_रात | 昨晚
""")

FIRST_NUMBER = 5  # from here on a Russian noun stands in the genitive plural
NUMBERS = words("""
five | fünf | cinco | пять | पाँच | 五
six | sechs | seis | шесть | छह | 六
seven | sieben | siete | семь | सात | 七
eight | acht | ocho | восемь | आठ | 八
nine | neun | nueve | девять | नौ | 九
ten | zehn | diez | десять | दस | 十
eleven | elf | once | одиннадцать | ग्यारह | 十一
twelve | zwölf | doce | двенадцать | बारह | 十二
thirteen | dreizehn | trece | тринадцать | तेरह | 十三
fourteen | vierzehn | catorce | четырнадцать | चौदह | 十四
fifteen | fünfzehn | quince | пятнадцать | पंद्रह | 十五
sixteen | sechzehn | dieciséis | шестнадцать | सोलह | 十六
seventeen | siebzehn | diecisiete | семнадцать | सत्रह | 十七
eighteen | achtzehn | dieciocho | восемнадцать | अठारह | 十八
nineteen | neunzehn | diecinueve | девятнадцать | उन्नीस | 十九
twenty | zwanzig | veinte | двадцать | बीस | 二十
""")
