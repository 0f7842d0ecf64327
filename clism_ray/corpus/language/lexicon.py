# ruff: noqa: E501 - the tables are wide
"""Nouns, adjectives, verbs and titles in six languages.

Every phrase that the grammar forms from these entries agrees in gender, number and case without
further rules:

- Russian nouns are accusative in the singular, genitive in the plural, which follows a number.
- Russian verbs are past tenses in -л, whose feminine and neuter add -а and -о.
- German nouns are only ever accusative.
- Hindi verbs are perfective and agree with the object, since the subject carries the ergative.
"""

from typing import NamedTuple

from clism_ray.corpus.language.table import DE, EN, ES, HI, RU, ZH, Forms, rows, words


class Noun(NamedTuple):
    """A thing: its gender, and its form after an article and after a number."""

    group: str  # which verbs take it: Building, Text, Good
    gender: Forms  # Chinese: the measure word
    singular: Forms
    plural: Forms


class Verb(NamedTuple):
    """A transitive verb in the past tense; German: the participle."""

    groups: str
    forms: Forms


class Adjective(NamedTuple):
    """For each language its form by gender: m, f, n, and mp, fp, np in the plural."""

    forms: tuple[dict[str, str], ...]


class Title(NamedTuple):
    """A profession in both genders."""

    m: Forms
    f: Forms


def _adjective(row: list[Forms]) -> Adjective:
    genders = ("m", "f", "n", "mp", "fp")
    english, german = row[EN][0], row[DE][0]
    endings = {"m": "en", "f": "e", "n": "es", "mp": "e", "fp": "e", "np": "e"}
    russian = dict(zip(("m", "f", "n", "p"), row[RU], strict=True))
    russian |= {f"{gender}p": russian["p"] for gender in "mfn"}
    return Adjective(
        (
            dict.fromkeys((*genders, "np"), english),
            {gender: german + ending for gender, ending in endings.items()},
            dict(zip(("m", "f", "mp", "fp"), row[ES], strict=True)),
            russian,
            dict(
                zip(("m", "f", "mp", "fp"), row[HI] * (4 if len(row[HI]) == 1 else 1), strict=True)
            ),
            {"": row[ZH][0]},
        )
    )


NOUNS = tuple(
    Noun(
        row[EN][0],
        ("", *(row[column][0] for column in range(1, 6))),
        (row[EN][1], *(row[column][1] for column in range(1, 6))),
        (row[EN][2], *(row[column][-1] for column in range(1, 6))),
    )
    for row in rows("""
B bridge bridges | f Brücke Brücken | m puente puentes | m мост мостов | m पुल पुल | 座 桥
B school schools | f Schule Schulen | f escuela escuelas | f школу школ | m विद्यालय विद्यालय | 所 学校
B house houses | n Haus Häuser | f casa casas | m дом домов | m मकान मकान | 栋 房子
B hospital hospitals | n Krankenhaus Krankenhäuser | m hospital hospitales | f больницу больниц | m अस्पताल अस्पताल | 家 医院
B train_station train_stations | m Bahnhof Bahnhöfe | f estación_de_tren estaciones_de_tren | m вокзал вокзалов | m रेलवे_स्टेशन रेलवे_स्टेशन | 座 火车站
B power_station power_stations | n Kraftwerk Kraftwerke | f central_eléctrica centrales_eléctricas | f электростанцию электростанций | m बिजलीघर बिजलीघर | 座 发电站
B library libraries | f Bibliothek Bibliotheken | f biblioteca bibliotecas | f библиотеку библиотек | m पुस्तकालय पुस्तकालय | 座 图书馆
B tower towers | m Turm Türme | f torre torres | f башню башен | f मीनार मीनारें | 座 塔
B hotel hotels | n Hotel Hotels | m hotel hoteles | f гостиницу гостиниц | m होटल होटल | 家 酒店
B swimming_pool swimming_pools | n Schwimmbad Schwimmbäder | f piscina piscinas | m бассейн бассейнов | m तरणताल तरणताल | 个 游泳池
B greenhouse greenhouses | n Gewächshaus Gewächshäuser | m invernadero invernaderos | f теплицу теплиц | m पौधाघर पौधाघर | 座 温室
B church churches | f Kirche Kirchen | f iglesia iglesias | f церковь церквей | m गिरजाघर गिरजाघर | 座 教堂
T book books | n Buch Bücher | m libro libros | f книгу книг | f किताब किताबें | 本 书
T letter letters | m Brief Briefe | f carta cartas | n письмо писем | m पत्र पत्र | 封 信
T report reports | m Bericht Berichte | m informe informes | m отчёт отчётов | f रिपोर्ट रिपोर्टें | 份 报告
T poem poems | n Gedicht Gedichte | m poema poemas | n стихотворение стихотворений | f कविता कविताएँ | 首 诗
T novel novels | m Roman Romane | f novela novelas | m роман романов | m उपन्यास उपन्यास | 部 小说
T newspaper_article newspaper_articles | m Zeitungsartikel Zeitungsartikel | m artículo_de_periódico artículos_de_periódico | f газетную_статью газетных_статей | m अख़बार_का_लेख अख़बार_के_लेख | 篇 报纸文章
T dictionary dictionaries | n Wörterbuch Wörterbücher | m diccionario diccionarios | m словарь словарей | m शब्दकोश शब्दकोश | 本 词典
T travel_guide travel_guides | m Reiseführer Reiseführer | f guía_de_viaje guías_de_viaje | m путеводитель путеводителей | f यात्रा_पुस्तिका यात्रा_पुस्तिकाएँ | 本 旅游指南
G car cars | n Auto Autos | m coche coches | m автомобиль автомобилей | f गाड़ी गाड़ियाँ | 辆 汽车
G ship ships | n Schiff Schiffe | m barco barcos | m корабль кораблей | m जहाज़ जहाज़ | 艘 船
G painting paintings | n Gemälde Gemälde | m cuadro cuadros | f картину картин | m चित्र चित्र | 幅 画
G bicycle bicycles | n Fahrrad Fahrräder | f bicicleta bicicletas | m велосипед велосипедов | f साइकिल साइकिलें | 辆 自行车
G washing_machine washing_machines | f Waschmaschine Waschmaschinen | f lavadora lavadoras | f стиральную_машину стиральных_машин | f धुलाई_मशीन धुलाई_मशीनें | 台 洗衣机
G computer computers | m Computer Computer | m ordenador ordenadores | m компьютер компьютеров | m कंप्यूटर कंप्यूटर | 台 电脑
G camera cameras | f Kamera Kameras | f cámara cámaras | f камеру камер | m कैमरा कैमरे | 台 相机
G lamp lamps | f Lampe Lampen | f lámpara lámparas | f лампу ламп | f बत्ती बत्तियाँ | 盏 灯
G table tables | m Tisch Tische | f mesa mesas | m стол столов | f मेज़ मेज़ें | 张 桌子
G carpet carpets | m Teppich Teppiche | f alfombra alfombras | m ковёр ковров | m क़ालीन क़ालीन | 块 地毯
G boat boats | n Boot Boote | f barca barcas | f лодку лодок | f नाव नावें | 条 小船
""")
)

ADJECTIVES = tuple(
    _adjective(row)
    for row in rows("""
new | neu | nuevo nueva nuevos nuevas | новый новую новое новых | नया नई नए नई | 新的
old | alt | viejo vieja viejos viejas | старый старую старое старых | पुराना पुरानी पुराने पुरानी | 旧的
small | klein | pequeño pequeña pequeños pequeñas | маленький маленькую маленькое маленьких | छोटा छोटी छोटे छोटी | 小的
modern | modern | moderno moderna modernos modernas | современный современную современное современных | आधुनिक | 现代的
famous | berühmt | famoso famosa famosos famosas | знаменитый знаменитую знаменитое знаменитых | प्रसिद्ध | 著名的
expensive | teur | caro cara caros caras | дорогой дорогую дорогое дорогих | महँगा महँगी महँगे महँगी | 昂贵的
beautiful | schön | bonito bonita bonitos bonitas | красивый красивую красивое красивых | सुंदर | 美丽的
important | wichtig | importante importante importantes importantes | важный важную важное важных | महत्वपूर्ण | 重要的
simple | einfach | sencillo sencilla sencillos sencillas | простой простую простое простых | सरल | 简单的
unusual | ungewöhnlich | insólito insólita insólitos insólitas | необычный необычную необычное необычных | असामान्य | 不寻常的
red | rot | rojo roja rojos rojas | красный красную красное красных | लाल | 红色的
green | grün | verde verde verdes verdes | зелёный зелёную зелёное зелёных | हरा हरी हरे हरी | 绿色的
white | weiß | blanco blanca blancos blancas | белый белую белое белых | सफ़ेद | 白色的
""")
)

VERBS = tuple(
    Verb(row[EN][0], (row[EN][1], *(cell[0] for cell in row[1:])))
    for row in rows("""
B built | gebaut | construyó | построил | बनाया | 建造了
BG designed | entworfen | diseñó | спроектировал | डिज़ाइन_किया | 设计了
BTG bought | gekauft | compró | купил | ख़रीदा | 买了
BTG sold | verkauft | vendió | продал | बेचा | 卖了
BG rented | gemietet | alquiló | арендовал | किराए_पर_लिया | 租用了
B financed | finanziert | financió | профинансировал | वित्तपोषित_किया | 资助了
T wrote | geschrieben | escribió | написал | लिखा | 写了
T read | gelesen | leyó | прочитал | पढ़ा | 阅读了
T printed | gedruckt | imprimió | напечатал | छापा | 印刷了
TG presented | vorgestellt | presentó | представил | प्रस्तुत_किया | 介绍了
TG ordered | bestellt | pidió | заказал | मँगवाया | 订购了
TG received | bekommen | recibió | получил | प्राप्त_किया | 收到了
TG sent | geschickt | envió | отправил | भेजा | 寄出了
TG lost | verloren | perdió | потерял | खोया | 弄丢了
BTG chose | ausgewählt | eligió | выбрал | चुना | 选择了
BTG inspected | geprüft | inspeccionó | проверил | जाँचा | 检查了
BTG showed | gezeigt | mostró | показал | दिखाया | 展示了
BG destroyed | zerstört | destruyó | разрушил | नष्ट_किया | 摧毁了
BTG discovered | entdeckt | descubrió | обнаружил | खोजा | 发现了
""")
)
NOUNS_OF = {verb: tuple(noun for noun in NOUNS if noun.group in verb.groups) for verb in VERBS}

REPORTS = words("""
announced | bekanntgegeben | anunció | объявил | घोषणा_की | 宣布
said | gesagt | dijo | сказал | कहा | 说
reported | berichtet | informó | сообщил | बताया | 报告说
confirmed | bestätigt | confirmó | подтвердил | पुष्टि_की | 证实
""")

TITLES = tuple(
    Title(tuple(cell[0] for cell in row), tuple(cell[-1] for cell in row))
    for row in rows("""
engineer | Ingenieur Ingenieurin | ingeniero ingeniera | инженер | इंजीनियर | 工程师
writer | Schriftsteller Schriftstellerin | escritor escritora | писатель писательница | लेखक लेखिका | 作家
doctor | Arzt Ärztin | médico médica | врач | डॉक्टर | 医生
lawyer | Anwalt Anwältin | abogado abogada | адвокат | वकील | 律师
teacher | Lehrer Lehrerin | profesor profesora | учитель учительница | शिक्षक शिक्षिका | 老师
journalist | Journalist Journalistin | periodista | журналист журналистка | पत्रकार | 记者
minister | Minister Ministerin | ministro ministra | министр | मंत्री | 部长
painter | Maler Malerin | pintor pintora | художник художница | चित्रकार | 画家
scientist | Wissenschaftler Wissenschaftlerin | científico científica | учёный | वैज्ञानिक | 科学家
mayor | Bürgermeister Bürgermeisterin | alcalde alcaldesa | мэр | महापौर | 市长
vice_president | Vizepräsident Vizepräsidentin | vicepresidente vicepresidenta | вице-президент | उपराष्ट्रपति | 副总统
""")
)
