# ruff: noqa: RUF001 - the languages' own letters
"""How links for leaving are called, by language: data, with its sources.

A *stem* is the beginning of one word, so that inflected forms match; a *phrase* is several words, or part
of a text in scripts that put no blanks between words. All are compared case-folded, without accents and
other marks (``words.normalised``). A stem must be so long that no ordinary word begins like it: "abmeld",
and not "ab". Words that mean leaving anything at all (Danish "framelding" is fine, Slovenian "odjava" means
logging off too) are in here where services' footers use them for that: on a link in a newsletter they mean
this. Whole sentences that stand beside a link ("no longer wish to receive") are phrases.

Sources, looked at for every language that names them; the other forms of a line are inflections and near
relatives of what stands there:

* F: footers of newsletters and templates of mail in public repositories, found by the language's own words.
* T: translations of programs: Thunderbird's "Unsubscribe" of newsgroups and calendars (ga, lv, sv), Mozilla's
  mail about its services (cs, sk), listmonk's ``email.unsub`` (hr).
"""

from collections.abc import Mapping
from typing import NamedTuple


class Wording(NamedTuple):
    """One language's words. ``sources``: letters of the module's docstring."""

    sources: str
    stems: tuple[str, ...]
    phrases: tuple[str, ...] = ()


def _wording(sources: str, stems: str, phrases: str) -> Wording:
    """Stems are parted by blanks, phrases by bars."""
    return Wording(
        sources, tuple(stems.split()), tuple(one.strip() for one in phrases.split("|") if one.strip())
    )


WORDING: Mapping[str, Wording] = {
    # The official languages of the European Union.
    "bg": _wording(
        "F",
        "отписв отпиш отабонир",
        """
        прекратяване на абонамента | откажете абонамента | отказ от абонамент | отказване от абонамента |
        отмяна на абонамент
        """,
    ),
    "cs": _wording(
        "TF",
        "odhlas",
        """
        zrusit odber | zruseni odberu | ukoncit odber | nechci dostavat | neprejete dostavat
        """,
    ),
    "da": _wording(
        "F",
        "afmeld frameld",
        """
        opsig nyhedsbrev | opsige nyhedsbrev | ikke længere modtage
        """,
    ),
    "de": _wording(
        "F",
        "abmeld abbestell austragen ausgetragen newsletterabmeld newsletterabbestell",
        """
        nicht mehr erhalten | keine weiteren e-mails | keinen newsletter mehr | keine newsletter mehr
        """,
    ),
    "el": _wording(
        "F",
        "απεγγραφ διαγραφειτε",
        """
        διαγραφη απο | κατάργηση εγγραφής | ακύρωση εγγραφής | ακύρωση συνδρομής | διακοπή συνδρομής
        """,
    ),
    "en": _wording(
        "F",
        "unsub optout",
        """
        opt out | opt-out | opting out | remove me | remove yourself | remove your email |
        remove your address | stop receiving | stop these emails | stop getting |
        no longer wish to receive | no longer want to receive | do not wish to receive |
        don't want to receive | prefer not to receive | rather not receive | leave this list |
        leave the list | leave this mailing list | cancel subscription | cancel your subscription |
        cancel my subscription | end your subscription | turn off these emails
        """,
    ),
    "es": _wording(
        "F",
        "desuscri desinscri",
        """
        darse de baja | darte de baja | darme de baja | dese de baja | date de baja | dar de baja |
        baja de la lista | cancelar suscripcion | cancelar la suscripcion | cancelar mi suscripcion |
        cancelar tu suscripcion | cancelar su suscripcion | anular suscripcion | anular la suscripcion |
        anular su suscripcion | dejar de recibir | no deseas recibir | no desea recibir |
        no quieres recibir | no deseo recibir
        """,
    ),
    "et": _wording(
        "F",
        "",
        """
        loobu uudiskirj | uudiskirjast loobu | loobu tellimus | tellimusest loobu | loobu postitus |
        loobu listist | loobuda uudiskirj | tühista tellimus | lõpeta tellimus | loobu liitumisest
        """,
    ),
    "fi": _wording(
        "F",
        "",
        """
        peruuta tilau | peruuta uutiskirje | peruuttaa tilau | peru tilau | peru uutiskirje |
        perua tilau | lopeta tilau | lopettaa tilau | tilauksen peruutus | tilauksen peruuttaminen |
        poistu postituslistalta | poistua postituslistalta | poistu listalta | eroa listalta |
        tilauksen lopetus
        """,
    ),
    "fr": _wording(
        "F",
        "desabon desinscri",
        """
        se désinscrire | annuler l'abonnement | annuler mon abonnement | annuler votre abonnement |
        résilier l'abonnement | ne plus recevoir | plus recevoir | supprimer votre adresse |
        me retirer de la liste
        """,
    ),
    "ga": _wording(
        "TF",
        "diliosta dioliosta disuibscriobh",
        """
        scoir den liosta | scriosadh ón liosta
        """,
    ),
    "hr": _wording(
        "TF",
        "odjav",
        """
        otkaži pretplat | otkažite pretplat | otkazivanje pretplate | otkazati pretplatu | odjavi se
        """,
    ),
    "hu": _wording(
        "F",
        "leiratkoz",
        """
        leiratkozás | hírlevél lemondás | hírlevél lemondása | lemondom a hírlevel |
        feliratkozás törlése
        """,
    ),
    "it": _wording(
        "F",
        "disiscri cancellati",
        """
        annulla iscrizione | annulla l'iscrizione | annullare l'iscrizione | annulla la tua iscrizione |
        annulla sottoscrizione | cancella iscrizione | cancella l'iscrizione | cancellare l'iscrizione |
        cancellare la tua iscrizione | cancellare la sua iscrizione | cancella la tua iscrizione |
        cancella la sottoscrizione | cancellati dalla | rimuovimi | non ricevere piu |
        non desideri ricevere | non desidera ricevere | non vuoi piu ricevere
        """,
    ),
    "lt": _wording(
        "F",
        "",
        """
        atsisakyti prenumeratos | atsisakykite prenumeratos | atsisakyti naujienlaiški |
        atsisakyti naujienlaiškio | naujienlaiškio atsisak | nebenoriu gauti | nebenorite gauti |
        nebegauti | atšaukti prenumerat | nutraukti prenumerat | prenumeratos atsisakymas |
        išsiregistruoti
        """,
    ),
    "lv": _wording(
        "TF",
        "atrakst",
        """
        atteikties no jaunum | atteikties no ziņ | atteikties no e-past | atteikties no abon |
        atcelt abon | pārtraukt abon | nevēlos saņemt | nevēlaties saņemt
        """,
    ),
    "mt": _wording(
        "F",
        "",
        """
        neħħi l-abbonament | ħassar l-abbonament | tneħħi l-abbonament | tħassar l-abbonament |
        ikkanċella l-abbonament | tikkanċella l-abbonament | ma tixtieqx tirċievi | tneħħa mil-lista
        """,
    ),
    "nl": _wording(
        "F",
        "afmeld uitschrij uitgeschreven opzeggen",
        """
        meld je af | meld u af | schrijf je uit | schrijf u uit | niet meer ontvangen |
        geen e-mails meer
        """,
    ),
    "pl": _wording(
        "F",
        "wypisz wypisac wyrejestr",
        """
        zrezygnuj z subskrypcji | rezygnacja z subskrypcji | rezygnuje z subskrypcji |
        zrezygnować z subskrypcji | zrezygnować z newslettera | zrezygnuj z newslettera |
        rezygnacja z newslettera | anuluj subskrypcj | anulować subskrypcj | zakończ subskrypcj |
        usuń mnie z listy | nie chcę otrzymywać | nie chcesz otrzymywać | nie chcesz już otrzymywać |
        odsubskrybuj
        """,
    ),
    "pt": _wording(
        "F",
        "desinscrev descadastr desinscri dessubscre",
        """
        cancelar subscricao | cancelar a subscricao | cancelar a sua subscricao | anular subscricao |
        anular a subscricao | cancelar inscricao | cancelar a inscricao | cancelar sua inscricao |
        cancelar assinatura | cancelar a assinatura | remover subscricao | deixar de receber |
        nao deseja receber | nao quero receber | nao deseja mais receber | sair da lista |
        remover da lista
        """,
    ),
    "ro": _wording(
        "F",
        "dezabon",
        """
        dezabonare | anulați abonamentul | anulează abonamentul | anularea abonamentului |
        nu mai doriți să primiți | nu mai dorești să primești | renunță la abonament |
        renunțați la abonament
        """,
    ),
    "sk": _wording(
        "TF",
        "odhlas",
        """
        zrušiť odber | zrušenie odberu | ukončiť odber | neželáte dostávať | nechcem dostávať
        """,
    ),
    "sl": _wording(
        "F",
        "odjav",
        """
        prekliči naročnino | prekličite naročnino | preklic naročnine | odjavi se | odjava od e-novic |
        ne želite več prejemati | odnaroč
        """,
    ),
    "sv": _wording(
        "TF",
        "avregistrer avprenumerer avanmal",
        """
        avsluta prenumeration | säg upp prenumeration | avbeställ | avsluta din prenumeration |
        sluta prenumerera | inte längre vill ha | inte vill få
        """,
    ),
    # And those of many readers beside them.
    "ru": _wording(
        "F",
        "отпис отпиш",
        """
        отказаться от рассылки | отказ от рассылки | отказаться от подписки | отменить подписку |
        отмена подписки | прекратить подписку | не хотите получать | больше не получать
        """,
    ),
    "uk": _wording(
        "F",
        "відпис відпиш",
        """
        скасувати підписку | скасування підписки | відмовитися від розсилки | відмовитись від розсилки |
        відмовитися від підписки | припинити підписку | не бажаєте отримувати
        """,
    ),
    "tr": _wording(
        "F",
        "",
        """
        abonelikten çık | aboneliği iptal | aboneliğimi iptal | aboneliğinizi iptal | abonelikten ayrıl |
        üyelikten çık | listeden çık | e-posta listesinden çık | bültenden çık | bülten aboneliğinden |
        almak istemiyor
        """,
    ),
    "ar": _wording(
        "F",
        "",
        """
        إلغاء الاشتراك | الغاء الاشتراك | إلغاء اشتراك | الغاء اشتراك | إيقاف الاشتراك | ألغ اشتراك |
        ألغِ اشتراك | إنهاء الاشتراك | لإلغاء الاشتراك | عدم تلقي | التوقف عن تلقي | إلغاء متابعة النشرة
        """,
    ),
    "he": _wording(
        "F",
        "",
        """
        הסרה מרשימת | להסרה מרשימת | הסר אותי | הסירו אותי | להסרה מהרשימה | הסרה מהרשימה | ביטול מנוי |
        ביטול הרשמה | בטל מנוי | ביטול המנוי | להסרה מרשימת התפוצה | להסרה לחצ | הסרה מדיוור |
        הסרה מהדיוור | לביטול ההרשמה | להפסקת קבלת
        """,
    ),
    "zh-Hans": _wording(
        "F",
        "",
        """
        退订 | 取消订阅 | 退出订阅 | 取消邮件订阅 | 不再接收 | 停止接收
        """,
    ),
    "zh-Hant": _wording(
        "F",
        "",
        """
        退訂 | 取消訂閱 | 退出訂閱 | 解除訂閱 | 不再接收 | 停止接收 | 取消電子報
        """,
    ),
    "ja": _wording(
        "F",
        "",
        """
        配信停止 | 配信を停止 | 配信の停止 | 購読解除 | 購読を解除 | 購読停止 | 購読をやめ |
        購読中止 | 登録解除 |
        登録を解除 | 登録の解除 | 配信解除 | 配信を解除 |
        メール停止 | 配信を希望しない | 配信を希望されない | 退会
        """,
    ),
    "ko": _wording(
        "F",
        "",
        """
        수신거부 | 수신 거부 | 수신을 거부 | 구독취소 | 구독 취소 | 구독해지 | 구독 해지 |
        구독을 취소 | 구독을 해지 | 수신을 원하지 | 수신을 원치 |
        이메일 수신 해지 | 구독중지 | 구독 중지
        """,
    ),
    "hi": _wording(
        "F",
        "",
        """
        सदस्यता समाप्त | सदस्यता रद्द | सदस्यता छोड़ | अनसब्सक्राइब | सब्सक्रिप्शन रद्द | सदस्यता हटा |
        ईमेल प्राप्त करना बंद | प्राप्त नहीं करना चाहते
        """,
    ),
}
"""By language tag (BCP 47)."""

HERE = (
    *("here", "hier", "ici", "aqui", "qui", "tutaj", "tu", "aici", "zde", "sem", "ide", "itt", "här"),
    *("her", "tästä", "tässä", "εδώ", "тук", "здесь", "сюда", "тут", "buraya", "buradan", "burayı"),
    *("ovdje", "tukaj", "siin", "siit", "siia", "šeit", "čia", "hawn", "anseo", "هنا", "כאן", "यहाँ"),
    *(
        "यहां",
        "这里",
        "此处",
        "這裡",
        "此處",
        "点击",
        "點擊",
        "こちら",
        "ここ",
        "여기",
        "click",
        "klick",
        "klicken",
    ),
    *("klik", "cliquez", "cliquant", "clic", "clicca", "clique", "kliknij", "kliknite", "klikněte"),
    *("kattintson", "klicka", "klikkaa", "link", "lien", "enlace", "länk", "linkki", "linku"),
    *("ссылке",),
)
"""Words of links that only point, whose meaning stands in the sentence around them."""
