# ruff: noqa: E501 - the tables are wide
"""Known names, which may change their form between languages, and kinds of organisations.

Russian: given names are such that it does not decline them, places stand in the prepositional.
"""

from typing import NamedTuple

from clism_ray.corpus.language.table import EN, HI, RU, ZH, Forms, rows, words


class Given(NamedTuple):
    """A given name and whom it is given to."""

    gender: str
    forms: Forms


class Kind(NamedTuple):
    """What an organisation is: {} stands for its name. Russian has three cases."""

    gender: Forms
    forms: Forms
    genitive: str
    instrumental: str


GIVEN = tuple(
    Given(row[EN][0], (row[EN][1], *(cell[0] for cell in row[1:])))
    for row in rows("""
m Marco | Marco | Marco | Марко | मार्को | 马尔科
m Hugo | Hugo | Hugo | Хуго | ह्यूगो | 雨果
m Leo | Leo | Leo | Лео | लियो | 利奥
m Bruno | Bruno | Bruno | Бруно | ब्रूनो | 布鲁诺
m Otto | Otto | Otto | Отто | ओटो | 奥托
m Diego | Diego | Diego | Диего | डिएगो | 迭戈
m Pedro | Pedro | Pedro | Педро | पेड्रो | 佩德罗
m Mario | Mario | Mario | Марио | मारियो | 马里奥
m Theo | Theo | Theo | Тео | थियो | 西奥
m Matteo | Matteo | Matteo | Маттео | मातेओ | 马泰奥
m Kenji | Kenji | Kenji | Кэндзи | केंजी | 健二
m Luigi | Luigi | Luigi | Луиджи | लुइजी | 路易吉
m Arno | Arno | Arno | Арно | आर्नो | 阿诺
m Ivo | Ivo | Ivo | Иво | इवो | 伊沃
f Naomi | Naomi | Naomi | Наоми | नाओमी | 娜奥米
f Zoe | Zoe | Zoe | Зоуи | ज़ोई | 佐伊
f Sophie | Sophie | Sophie | Софи | सोफ़ी | 索菲
f Marie | Marie | Marie | Мари | मारी | 玛丽
f Beatrice | Beatrice | Beatrice | Беатриче | बीट्रिस | 贝亚特丽斯
f Ingrid | Ingrid | Ingrid | Ингрид | इंग्रिड | 英格丽德
f Ellen | Ellen | Ellen | Эллен | एलेन | 埃伦
f Astrid | Astrid | Astrid | Астрид | एस्ट्रिड | 阿斯特丽德
f Karen | Karen | Karen | Карен | करेन | 卡伦
f Ruth | Ruth | Ruth | Рут | रूथ | 露丝
f Amelie | Amelie | Amelie | Амели | अमेली | 阿梅莉
f Doris | Doris | Doris | Дорис | डोरिस | 多丽丝
""")
)

KINDS = tuple(
    Kind(
        ("", *(cell[0] for cell in row[1:4]), "", ""),
        (row[EN][0], *(cell[1] for cell in row[1:4]), row[HI][0], row[ZH][0]),
        row[RU][2],
        row[RU][3],
    )
    for row in rows("""
{}_Bank | f {}-Bank | m Banco_{} | m Банк Банка Банком | {}_बैंक | {}_银行
University_of_{} | f Universität_{} | f Universidad_de_{} | m Университет Университета Университетом | {}_विश्वविद्यालय | {}_大学
{}_Institute | n {}-Institut | m Instituto_{} | m Институт Института Институтом | {}_संस्थान | {}_研究所
{}_Museum | n {}-Museum | m Museo_{} | m Музей Музея Музеем | {}_संग्रहालय | {}_博物馆
{}_Foundation | f {}-Stiftung | f Fundación_{} | m Фонд Фонда Фондом | {}_फ़ाउंडेशन | {}_基金会
{}_Theatre | n {}-Theater | m Teatro_{} | m Театр Театра Театром | {}_थिएटर | {}_剧院
{}_Group | f {}-Gruppe | m Grupo_{} | f Группа Группы Группой | {}_समूह | {}_集团
{}_Company | f {}-Gesellschaft | f Compañía_{} | f Компания Компании Компанией | {}_कंपनी | {}_公司
{}_Academy | f {}-Akademie | f Academia_{} | f Академия Академии Академией | {}_अकादमी | {}_学院
{}_Factory | f {}-Fabrik | f Fábrica_{} | f Фабрика Фабрики Фабрикой | {}_फ़ैक्टरी | {}_工厂
{}_Publishing_House | m {}-Verlag | f Editorial_{} | n Издательство Издательства Издательством | {}_प्रकाशन | {}_出版社
{}_Orchestra | n {}-Orchester | f Orquesta_{} | m Оркестр Оркестра Оркестром | {}_ऑर्केस्ट्रा | {}_乐团
""")
)

PLACES = words("""
Moscow | Moskau | Moscú | Москве | मॉस्को | 莫斯科
Vienna | Wien | Viena | Вене | वियना | 维也纳
Munich | München | Múnich | Мюнхене | म्यूनिख़ | 慕尼黑
Cologne | Köln | Colonia | Кёльне | कोलोन | 科隆
Rome | Rom | Roma | Риме | रोम | 罗马
Milan | Mailand | Milán | Милане | मिलान | 米兰
Venice | Venedig | Venecia | Венеции | वेनिस | 威尼斯
Athens | Athen | Atenas | Афинах | एथेंस | 雅典
Warsaw | Warschau | Varsovia | Варшаве | वारसा | 华沙
Prague | Prag | Praga | Праге | प्राग | 布拉格
London | London | Londres | Лондоне | लंदन | 伦敦
Paris | Paris | París | Париже | पेरिस | 巴黎
Brussels | Brüssel | Bruselas | Брюсселе | ब्रसेल्स | 布鲁塞尔
Lisbon | Lissabon | Lisboa | Лиссабоне | लिस्बन | 里斯本
Cairo | Kairo | El_Cairo | Каире | काहिरा | 开罗
Beijing | Peking | Pekín | Пекине | बीजिंग | 北京
Tokyo | Tokio | Tokio | Токио | टोक्यो | 东京
Delhi | Delhi | Delhi | Дели | दिल्ली | 德里
New_York | New_York | Nueva_York | Нью-Йорке | न्यूयॉर्क | 纽约
Cape_Town | Kapstadt | Ciudad_del_Cabo | Кейптауне | केप_टाउन | 开普敦
Germany | Deutschland | Alemania | Германии | जर्मनी | 德国
Spain | Spanien | España | Испании | स्पेन | 西班牙
Russia | Russland | Rusia | России | रूस | 俄罗斯
India | Indien | India | Индии | भारत | 印度
China | China | China | Китае | चीन | 中国
France | Frankreich | Francia | Франции | फ़्रांस | 法国
Greece | Griechenland | Grecia | Греции | यूनान | 希腊
Hungary | Ungarn | Hungría | Венгрии | हंगरी | 匈牙利
Japan | Japan | Japón | Японии | जापान | 日本
Egypt | Ägypten | Egipto | Египте | मिस्र | 埃及
South_Africa | Südafrika | Sudáfrica | Южной_Африке | दक्षिण_अफ़्रीका | 南非
New_Zealand | Neuseeland | Nueva_Zelanda | Новой_Зеландии | न्यूज़ीलैंड | 新西兰
""")
