"""What reports call themselves, in the languages that mail systems speak.

Words are only asked after structure has spoken (see :mod:`classifier.parse.kind`):
anybody can write them.
"""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: Subjects of non-delivery reports, in lower case, anywhere in the subject.
FAILURE_SUBJECTS = (
    "undeliver", "undelivered mail", "delivery status notification", "delivery fail", "delivery has failed", "mail delivery",
    "failure notice", "failure delivery", "failure notification", "returned mail", "returned message", "returned e-mail",
    "delivery notification", "delivery report", "delivery problem", "delivery warning", "delivery error", "non-delivery", "nondelivery",
    "not delivered", "could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "not be sent",
    "mail failure", "mail failed", "failed mail", "mail error", "mail system error", "mail delayed", "delivery delay", "delayed mail",
    "unable to deliver", "user unknown", "warning: could not send", "delivery attempt", "message status - undeliverable", "bounced mail",
    "warning: message", "message delayed", "returning message to sender", "message delivery", "rejected mail", "mail rejected",
    "message rejected", "message not delivered", "email rejected", "processing error", "error sending", "returned to sender", "return to sender",
    "mailbox full", "mailbox is full", "quota exceeded", "over quota", "problem delivering", "unroutable", "no such user", "invalid recipient",
    "aws notification message", "amazon ses email event", "amazon ses bounce", "email delivery fail", "bounce notification",
    "transport message", "nachricht nicht zugestellt", "are not member", "loop alert", "delivery incomplete", "address not found",
    # German, French, Spanish, Portuguese, Italian
    "unzustellbar", "nicht zustellbar", "zustellung", "zustellfehler", "fehler bei der", "nicht zugestellt", "nicht übermittelt",
    "non remis", "non distribu", "non livr", "échec de", "echec de", "remise", "retour de courrier", "courrier non", "avis de non",
    "no se puede entregar", "no entregado", "no entregable", "no se ha podido entregar", "no pudo ser entregado", "no entrega", "error de entrega", "fallo en la entrega",
    "devuelto", "mensaje no", "notificación de estado", "error en el env",
    "não foi entregue", "não entregue", "não entregável", "nao entregue", "falha na entrega", "devolvid", "falha de entrega", "entrega de e-mail",
    "mancato recapito", "mancata consegna", "non recapitat", "impossibile recapitare", "non consegnat", "errore di consegna", "notifica di mancato",
    # Dutch, Swedish, Danish, Norwegian, Finnish
    "onbestelbaar", "niet bezorgd", "niet afgeleverd", "bezorging", "niet worden bezorgd", "kan inte levereras", "ej levererbar", "inte levererats",
    "gick inte att leverera", "leveransfel", "ikke leveres", "ikke leveret", "kunne ikke", "kan ikke leveres", "ikke levert", "uleveret", "ikke afleveret",
    "toimitus", "ei voitu toimittaa", "ei toimitettu", "toimittamaton",
    # Polish, Czech, Slovak, Hungarian, Romanian, Croatian, Lithuanian, Latvian, Estonian
    "niedostarczon", "nie dostarczon", "niedoręczon", "zwrot", "nie można dostarczyć", "błąd dostarcz", "nedoručiteln", "nedoručen", "nelze doručit", "vráceno", "nedoručiteľn",
    "no es pot lliurar", "no s'ha pogut lliurar", "nije moguće isporučiti", "ni mogoče dostaviti", "nuk mund të dorëzohet",
    "kézbesíthetetlen", "nem kézbesít", "kézbesítés", "nu poate fi livrat", "nelivrat", "nije isporučen", "neisporučen", "nepristatyt", "nepiegād", "kohale toimeta",
    # Russian, Ukrainian, Bulgarian, Greek, Turkish
    "не доставлен", "недоставлен", "не удалось доставить", "не может быть доставлен", "отказ", "возврат", "не доставлено", "доставк", "недоставен", "неможлив",
    "не вдалося доставити", "αποτυχία παράδοσης", "δεν παραδόθηκ", "αδύνατη η παράδοση", "δεν ήταν δυνατή", "μη παραδοτέ", "teslim edilemedi", "iletilemedi", "teslim edilemeyen", "gönderilemedi",
    # Japanese, Chinese, Korean, Arabic, Hebrew, Thai, Vietnamese
    "配信不能", "配信できません", "配信に失敗", "配信エラー", "送信できません", "配達できません", "エラー通知", "不達", "届きません", "未配信", "配信状況", "宛先不明",
    "无法投递", "未送达", "退信", "邮件无法", "投递失败", "传输失败", "发送失败", "系统退信", "無法傳遞", "無法傳送", "未傳遞", "退件", "遞送失敗", "無法投遞", "投遞失敗", "退回",
    "배달 못함", "배달되지", "전송 실패", "반송", "배달할 수 없", "발송 실패", "تعذر التسليم", "לא ניתן למסירה", "ไม่สามารถส่ง", "không gửi được", "không thể gửi",
    # UTF-8 or GB2312 read as Latin-1 by a system on the way
    "óê¼þ´«êäê§°ü", "í¶µýê§°ü",
    # Stems: with a mail system as author they say enough
    "blocked", "rejected", "refused", "bounce", "undelivered", "could not deliver", "failed to deliver", "not accepted", "recipient unknown", "unknown recipient",
    "address unknown", "unknown address", "non delivery", "ndr:", "ndn:", "message you sent", "deferred", "has been stopped", "has been returned", "was returned", "not sent",
    "eliverable", "mail returned", "return mail", "message returned", "inactive account", "mailbox unavailable", "does not exist", "sensitive content", "not be processed",
    "rückläufer", "abgewiesen", "abgelehnt", "zurückgewiesen", "konnte nicht", "kann nicht zugestellt", "annahme verweigert", "zurückgesandt",
    "non-remise", "non délivr", "non delivr", "n'a pas pu", "pas été délivré", "pas été remis", "erreur de distribution", "rejeté", "adresse inconnue", "impossible de", "échec d", "echec d",
    "devolución", "devolucion", "fallo de", "fallida", "no se pudo", "no ha sido entregado", "rechazad", "no fue entregado",
    "devolução", "devolucao", "recusad", "rejeitad", "não pôde ser", "falha no envio", "erro no envio", "erro de entrega", "nao foi entregue",
    "respint", "rifiutat", "non recapitabile", "avviso di non accettazione", "avviso di mancat", "geweigerd", "niet bezorgen", "kon niet", "afgewezen",
    "kan ikke", "afvist", "avvist", "avvisat", "kunde inte", "hylätty", "palautettu", "toimitusvirhe", "mislykkedes", "misslyckades",
    "nie została dostarczona", "nie dostarczono", "nie mogła zostać", "odrzucon", "niedoręczenie", "doručit", "doručiť", "doručen", "vrácen", "odmítnut", "visszaküld", "kézbesít", "sikertelen",
    "livrat", "livrare", "isporu", "dostavi", "nepristat", "piegād", "toimetada", "toimetamatu", "nepavyko", "neizdevās",
    "недостав", "достав", "доставить", "отклонен", "отклонён", "возвращ", "испорук", "не удалось", "παράδοσ", "παραδοθ", "letilem", "letilemeyen", "gönderilem", "ulaştırılam", "teslim edilem",
    "エラーメール", "送信エラー", "送信失敗", "配信失敗", "配信不可", "届けできません", "届けられません", "届きません", "未達", "送達不能", "リターンメール",
    "送达", "未能", "被退回", "投递", "投遞", "送達", "拒收", "전송실패", "발송실패", "발송 실패", "수신실패", "수신거부", "전달되지", "전달할 수", "전송하지",
    "לא נמסר", "נכשל", "تسليم", "لم يتم", "تحویل", "ส่งไม่", "không gửi", "tidak terkirim", "gagal", "tidak dapat", "वितरि", "अवितरणीय",
)  # fmt: skip

#: What notices say, in lower case.
FAILURE_PHRASES = (
    "could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "was not delivered", "not be delivered",
    "not yet been delivered", "has not been delivered", "wasn't able to deliver", "unable to deliver", "not able to deliver",
    "did not reach", "unable to be delivered", "delivery has failed", "delivery failed", "failed permanently", "delivery to the following", "undeliverable",
    "permanent error", "permanent fatal", "permanent failure", "delivery status notification", "returned mail", "unknown user", "user unknown",
    "returned message", "could not deliver", "delivery problems", "delivery failure", "delivery attempt", "failed recipient", "no such user", "mailbox is full",
    "no valid recipients", "transcript of session follows", "technical details of permanent failure", "error delivering",
    "error occurred while", "has been returned", "is being returned", "was automatically rejected", "was rejected", "doesn't have a",
    "has been delayed", "has been postponed", "aborted after", "delivery of email", "message could not", "not been able to deliver", "quota",
    "delivery failures", "following addresses failed", "following address failed", "following recipients failed", "failed addresses", "final-recipient:",
    '"notificationtype":"bounce"', 'notificationtype\\":\\"bounce', "not a member of this mailing list", "duplicated message-id", "may not have permission to post",
    "permission to post messages", "error was detected while processing", "no longer valid", "no longer in use", "did not exactly match", "rejected by a remote mail server",
    "no matches to", "account is disabled", "not a valid user", "not a valid address", "not a valid mailbox", "couldn't be found", "wasn't delivered", "failed to deliver", "problems delivering", "unsent message follows", "over quota",
    "nicht zugestellt", "unzustellbar", "konnte nicht", "nicht übermittelt", "zustellung", "pas pu être", "n'a pas pu", "pas été remis", "non remis", "échec",
    "no pudo ser entregado", "no se pudo entregar", "no se ha podido", "no ha sido entregad", "não pôde ser entregue", "não foi entregue", "nao pode ser", "não foi possível",
    "non è stato possibile", "impossibile recapitare", "non recapitat", "non può essere", "niet bezorgd", "niet worden bezorgd", "niet afgeleverd", "inte levereras", "inte leverera",
    "ikke leveres", "ikke levere", "ei voitu", "ei voi toimittaa", "nie można dostarczyć", "nie została dostarczona", "nie został", "nelze doručit", "nebyla doručena", "nem kézbesít", "kézbesíteni",
    "не может быть доставлен", "не доставлен", "невозможно доставить", "не удалось доставить", "не может быть", "не вдалося доставити", "να παραδοθεί", "δεν παραδόθηκ", "δεν ήταν δυνατή", "pogut lliurar", "nije isporučena", "moguće isporučiti", "mogoče dostaviti", "tidak dapat dikirim", "không gửi được", "teslim edilemedi", "iletilemedi",
    "配信できません", "送信できません", "届きません", "届けられません", "配送できません", "できませんでした", "存在しない", "見つかりません", "失敗", "配信不能", "無法", "无法", "失败", "退信", "전송", "배달",
    # In ISO-2022-JP that was never decoded
    "not been delivered", "not delivered", "was blocked", "been blocked", "been rejected", "was refused", "been refused", "been stopped", "has stopped", "cannot be sent", "could not be sent",
    "address is unknown", "does not exist", "unknown address", "unknown recipient", "trying to deliver", "failed to deliver", "didn't reach", "wasn't found", "couldn't be found", "not accepted", "has been disabled",
    "pas été délivré", "pas été remis", "pas pu etre", "pas ete", "n'existe pas", "inconnu", "n'a pas été", "no ha podido", "no existe", "desconocid", "rechazad", "no fue entregado", "no pudo",
    "não existe", "desconhecid", "recusad", "rejeitad", "nao foi", "non è stat", "non esiste", "sconosciut", "rifiutat", "rilevato un errore", "avvenuta consegna", "ricevuta di accettazione",
    "nicht erreicht", "abgelehnt", "abgewiesen", "zurückgewiesen", "existiert nicht", "unbekannt", "nicht gefunden", "kon niet", "bestaat niet", "onbekend", "geweigerd",
    "kunde inte", "kunne ikke", "finns inte", "findes ikke", "eksisterer ikke", "ikke leveret", "ikke levert", "ei voida", "ei ole olemassa", "tuntematon", "nie istnieje", "nie mogła", "nie udało się", "odrzucon",
    "nepodařilo", "neexistuje", "odmítnut", "nepodarilo", "nebola doručen", "nem sikerült", "nem létezik", "ismeretlen", "visszautasít", "nu a putut", "nu există", "nije mogu", "ne postoji", "не съществува", "не беше",
    "не существует", "не найден", "отклонен", "отклонён", "не існує", "неможливо", "δεν υπάρχει", "δεν μπορ", "ulaştırılamadı", "letilemedi", "bulunamadı", "teslim edileme", "nepavyko", "nebuvo", "neizdevās", "netika", "ei õnnestunud",
    "לא נמסר", "לא ניתן", "تعذر", "لم يتم", "ไม่สามารถ", "không thể", "không tồn tại", "tidak dapat", "gagal", "届けること", "届かない", "送信されませんでした", "ませんでした", "被退回", "未能", "拒收", "不存在", "못했습니다", "존재하지", "실패", "반송",
)  # fmt: skip

#: What is lost, where no mail system is the author: mail, and no parcel.
MAIL_NOUNS = (
    "mail", "messag", "nachricht", "postfach", "courri", "correo", "mensa", "missatge", "bericht", "meddel", "melding", "viesti", "wiadomo", "zpráv", "správ", "üzenet", "levél",
    "mesaj", "poruk", "sporočil", "žinut", "laišk", "vēstul", "ziņojum", "kirja", "teade", "account", "konto", "сообщ", "письм", "ящик", "повідомл", "съобщ", "μήνυμα", "μηνύμ", "ileti", "posta",
    "メール", "メッセージ", "宛先", "邮件", "郵件", "信件", "邮箱", "信箱", "메일", "메시지", "رسال", "بريد", "پیام", "نامه", "הודע", "דואר", "ข้อความ", "อีเมล", "thư", "pesan", "surel", "संदेश", "ईमेल",
)  # fmt: skip

#: Subjects of automatic answers, at their beginning or as a phrase of their own.
AUTO_SUBJECTS = (
    "out of office", "out of the office", "out-of-office", "out of town", "automatic reply", "automatic response", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response", "autoresponse",
    "autorespons", "auto:", "automated response", "automated reply", "vacation", "on holiday", "on leave", "away from", "away until", "i am away", "i'm away", "on maternity leave", "annual leave", "out of my office",
    "vacation reply", "vacation response", "away from my mail", "automatische antwort", "abwesenheit", "abwesend", "nicht im büro", "nicht im hause", "im urlaub", "urlaub", "automatische beantwortung", "eingangsbestätigung",
    "réponse automatique", "reponse automatique", "absence du bureau", "absent du bureau", "absence", "en congé", "message d'absence", "respuesta automática", "respuesta automatica", "fuera de la oficina", "fuera de oficina", "ausencia",
    "resposta automática", "resposta automatica", "ausência", "ausente", "fora do escritório", "férias", "risposta automatica", "fuori sede", "fuori ufficio", "assenza", "in ferie", "automatisch antwoord", "afwezig", "afwezigheid", "niet aanwezig",
    "autosvar", "automatiskt svar", "frånvaro", "ej på kontoret", "semester", "automatisk svar", "fravær", "ikke på kontoret", "ikke til stede", "på ferie", "ferie", "automaattinen vastaus", "poissa", "lomalla", "poissaolo",
    "automatyczna odpowiedź", "odpowiedź automatyczna", "nieobecność", "poza biurem", "urlop", "automatická odpověď", "mimo kancelář", "nepřítomnost", "dovolená", "automatická odpoveď", "automatikus válasz", "házon kívül", "szabadság",
    "răspuns automat", "automatski odgovor", "samodejni odgovor", "автоматический ответ", "автоответ", "вне офиса", "нет на месте", "в отпуске", "отпуск", "автоматична відповідь", "автоматичен отговор", "αυτόματη απάντηση", "εκτός γραφείου",
    "απουσία", "otomatik yanıt", "otomatik cevap", "ofis dışı", "ofis dışında", "izindeyim", "自動応答", "自動返信", "不在", "休暇", "自动回复", "自动答复", "自動回覆", "外出", "休假", "부재중", "자동 회신", "자동응답", "자동 응답", "휴가", "رد تلقائي", "תשובה אוטומטית",
    "ตอบกลับอัตโนมัติ", "trả lời tự động", "atvaļinājum", "automātiska atbilde", "automatiska atbilde", "biroja atrasanas", "automatinis atsakymas", "automaatvastus", "jawaban otomatis", "balasan otomatis",
    "außer haus", "ausser haus", "nicht am platz", "nicht erreichbar", "absent(e)", "absent :", "je suis absent", "respuesta de ausencia", "estoy fuera", "no estoy", "aviso de ausência", "sono assente", "messaggio di assenza",
    "niet op kantoor", "op vakantie", "met vakantie", "på semester", "ikke på jobb", "fraværsmelding", "nie ma mnie", "jestem na urlopie", "jsem mimo", "távollét", "szabadságon", "отсутствую", "меня нет", "відпустк", "відсутн", "отпуск", "odsutan", "odsoten",
    "concediu", "în afara biroului", "puhkusel", "atostog", "prombūtn", "休業", "出張", "自動送信", "離席", "休假", "放假", "출장", "ออกนอก", "vắng mặt", "nghỉ phép", "cuti", "خارج المكتب", "מחוץ למשרד", "अवकाश",
    "auto acknowledgement", "autoresposta", "autorrespuesta", "no longer monitored", "no longer with", "no longer works", "has left", "mailbox is not monitored", "unmonitored",
)  # fmt: skip

#: Beginnings of subjects that nobody but an automatic answer has.
AUTO_OPENINGS = (
    "out of office:", "out of office auto", "out of office", "out-of-office", "out of the office", "automatic reply", "automatic response", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response",
    "autoresponse", "autorespons", "auto:", "automated reply", "automated response", "vacation reply", "vacation response", "vacation:", "vacation message", "away from my mail", "away until", "i am away",
    "automatische antwort", "abwesenheit", "abwesend:", "automatische beantwortung", "réponse automatique", "reponse automatique", "absence du bureau", "absent du bureau", "message d'absence", "respuesta automática",
    "respuesta automatica", "fuera de la oficina", "fuera de oficina", "resposta automática", "resposta automatica", "fora do escritório", "risposta automatica", "fuori sede", "fuori ufficio", "automatisch antwoord", "afwezig",
    "autosvar", "automatiskt svar", "automatisk svar", "frånvaro", "fravær", "automaattinen vastaus", "poissaolo", "automatyczna odpowiedź", "odpowiedź automatyczna", "nieobecność", "automatická odpověď", "mimo kancelář",
    "automatická odpoveď", "automatikus válasz", "házon kívül", "răspuns automat", "automatski odgovor", "samodejni odgovor", "автоматический ответ", "автоответ", "вне офиса", "автоматична відповідь", "автоматичен отговор",
    "αυτόματη απάντηση", "εκτός γραφείου", "otomatik yanıt", "otomatik cevap", "ofis dışı", "自動応答", "自動返信", "不在通知", "自动回复", "自动答复", "自動回覆", "자동 회신", "자동응답", "자동 응답", "부재중", "رد تلقائي", "תשובה אוטומטית",
    "ตอบกลับอัตโนมัติ", "trả lời tự động", "automātiska atbilde", "arpus biroja", "automatinis atsakymas", "automaatvastus", "jawaban otomatis", "balasan otomatis",
)  # fmt: skip

#: Ends of subjects in which a groupware says it of somebody by name.
AUTO_ENDINGS = (
    "is out of the office", "is out of office", "is on vacation", "is on leave", "is away", "ist außer haus", "ist ausser haus", "ist nicht im büro", "ist im urlaub", "ist abwesend", "est absent(e)", "est absent", "est absente", "est en congé",
    "está ausente", "está fuera de la oficina", "è fuori ufficio", "è assente", "is afwezig", "is niet aanwezig", "är inte på kontoret", "er ikke på kontoret", "on poissa", "jest nieobecny", "jest nieobecna", "вне офиса", "отсутствует", "は不在です", "不在办公室",
)  # fmt: skip

#: What automatic answers say, where a machine's signs are already there.
AUTO_PHRASES = (
    "out of the office", "out of office", "away from", "on vacation", "on holiday", "on leave", "i am currently away", "i'm currently away", "i will be away", "automatic reply", "automated response", "automatically generated", "auto-reply",
    "autoresponder", "limited access to email", "will return", "will respond", "no longer in use", "no longer works", "no longer employed", "no longer with", "has left the company", "we have received your", "thank you for contacting", "thank you for your email",
    "thank you for your message", "abwesend", "nicht im büro", "urlaub", "automatisch", "absent", "congé", "automatique", "fuera de la oficina", "vacaciones", "gracias por", "automátic", "férias", "fuori ufficio", "in ferie", "automatica", "afwezig", "op vakantie",
    "frånvar", "semester", "ferie", "lomalla", "urlop", "nieobecn", "dovolen", "szabadság", "отпуск", "отсутств", "автоматич", "άδεια", "αυτόματ", "izinde", "otomatik", "不在", "休暇", "自動", "自动", "外出", "休假", "부재", "휴가", "자동", "atvaļināj", "automātisk",
    "außer haus", "ausser haus", "nicht erreichbar", "no estoy", "ausente", "assente", "ausência", "niet op kantoor", "ikke på kontor", "poissa", "távol", "відсутн", "відпустк", "concediu", "puhkus", "atostog", "izin", "cuti", "vắng mặt", "إجازة", "בחופש", "出張", "離席",
    "i am away", "i'm away", "away until", "won't be back", "not be back",
    "not monitored", "no longer monitored", "has left", "back in the office", "back on", "in my absence", "während meiner abwesenheit", "en mon absence", "in mia assenza", "en mi ausencia",
)  # fmt: skip

#: Subjects of answers to whatever comes in, where nobody may answer them.
THANKS = (
    "thank you for your e-mail", "thank you for your email", "thank you for your mail", "thank you for your message", "thank you for contacting", "thanks for your e-mail", "thanks for your email", "thanks for your message",
    "thanks for contacting", "we have received your e-mail", "we have received your email", "we have received your message", "dank für ihre nachricht", "dank für ihre e-mail", "dank für ihre mail", "dank für deine", "danke für ihre", "danke für deine",
    "merci pour votre mail", "merci pour votre message", "merci de votre message", "merci pour votre e-mail", "merci pour votre courriel", "gracias por su mensaje", "gracias por su correo", "gracias por contactar", "gracias por escribir",
    "obrigado pela sua mensagem", "obrigado pelo seu e-mail", "obrigado pelo seu contato", "grazie per il messaggio", "grazie per il suo messaggio", "grazie per averci contattato", "bedankt voor uw bericht", "bedankt voor uw e-mail", "bedankt voor je bericht",
    "tack för ditt meddelande", "tack för ditt mail", "tak for din mail", "takk for din e-post", "kiitos viestistäsi", "dziękujemy za wiadomość", "dziękuję za wiadomość", "děkujeme za zprávu", "köszönjük levelét", "спасибо за ваше письмо", "спасибо за обращение",
)  # fmt: skip

#: What challenges ask.
CHALLENGE_PHRASES = (
    "confirm that you sent", "confirm you sent", "verify that you sent", "verify you sent", "confirm your message", "to confirm your email, reply", "to have your message delivered", "to deliver your message",
    "your message is being held", "your message has been held", "your email is being held", "message awaiting", "has been placed in a holding", "is awaiting confirmation", "waiting for your confirmation",
    "added to my list of allowed", "approved senders", "allowed senders", "verify that you are human", "verify you are human", "you are a real person", "you're a real person", "you are human", "not a spammer",
    "spam-blocking", "anti-spam system requires", "first time you have sent", "first time sending", "one-time", "one time confirmation", "one-time verification", "prove that you", "challenge/response", "challenge-response", "release your message",
    "simply reply to this message", "reply to this message to confirm", "click the link below to confirm", "must confirm", "please confirm", "spamarrest", "spam arrest", "choicemail", "boxbe", "bluebottle", "tmda", "qconfirm", "0spam", "mailblocks", "sender verification", "whitelist",
    "address is protected by", "account is protected by", "suspect email", "suspect e-mail",
    "bestätigen sie", "bitte bestätigen", "veuillez confirmer", "confirmez", "confirme", "confermare", "bevestig", "potwierd", "подтверд", "onayla", "確認", "确认",
)  # fmt: skip
#: The three things that every challenge says: it waits, ...
CHALLENGE_HELD = (
    "being held", "been held", "is held", "on hold", "not been delivered", "not yet been delivered", "awaiting", "is waiting", "quarantine", "pending", "requires that you verify", "approved beforehand", "not yet delivered", "will be delivered", "be delivered",
    "en attente", "soit remis", "en espera", "será entreg", "sera entreg", "seja encaminhad", "seja entreg", "retida", "retenid", "in attesa", "zurückgehalten", "wartet", "zugestellt", "wacht", "vastgehouden", "väntar", "oczekuje", "ожидает", "задержан", "beklet", "保留", "等待", "대기",
)  # fmt: skip
#: ... there is something to do, ...
CHALLENGE_ASKS = (
    "reply to this", "reply once", "replying to", "your mailer's \"reply\"", "click", "fill out", "fill in", "complete this", "confirm", "verify", "follow this link", "follow the link", "visit", "cliquez", "cliquer", "clique", "haga clic", "pulse", "cliccare", "clicca", "bestätigen", "klicken", "antworten", "antwort",
    "klik", "kliknij", "нажмите", "перейдите", "ответьте", "tıklay", "クリック", "返信", "点击", "點擊", "클릭",
)  # fmt: skip
#: ... and it is to tell a person from a spammer.
CHALLENGE_WHY = (
    "human", "real person", "live person", "robot", "spammer", "not a spam", "spam source", "control spam", "approved senders", "approved sender", "allowed senders", "recognised sender", "recognized sender", "known sender", "senders i have approved", "guest list", "safe list", "whitelist", "first time", "has not been verified", "not recognized", "not recognised", "not junk", "junk-mail", "verify yourself",
    "première fois", "caractères", "robô", "humano", "primera vez", "primeira vez", "remitente autorizado", "prima volta", "umano", "mensch", "liste erlaubter", "erlaubte absender", "zum ersten mal", "eerste keer", "människa", "człowiek", "человек", "первый раз", "ロボット", "人間", "人类", "사람",
)  # fmt: skip
CHALLENGE_SUBJECTS = (
    "please confirm your message", "confirm your message", "confirm message", "please confirm (conf#", "please confirm delivery", "confirm your email to", "verify your email to", "confirmation required", "sender verification", "verification required",
    "your email requires verification", "requires verification", "challenge", "[spamarrest]", "action required: confirm", "confirm sender", "sender confirmation", "message awaiting", "your message to", "please verify your", "please verify that", "confirm that you sent", "authorization required",
    "please confirm", "bitte bestätigen", "confirme", "potwierd", "подтверд", "[boxbe]", "action required", "waiting for your confirmation", "approve your email", "help keep",
    "verify#", "verification", "verificação", "tira-teima", "authentification", "bestätigung erforderlich", "bestätigung", "confirmación", "confirmação", "confirmation de votre", "conferma", "approval required", "approved sender", "authenticate", "認証", "подтверждение",
)  # fmt: skip

#: Subjects of gateways that tell the presumed sender of a virus or a forbidden file.
VIRUS_SUBJECTS = (
    "virus found", "virus detected", "virus alert", "virus warning", "virus notification", "virus in ", "virus (", "viruses in", "infected", "virus intercepted", "virus was", "virus has been", "virus incident", "viruswarnung", "virusmeldung", "virusalarm", "virus gefunden",
    "virus trouv", "virus détect", "virus encontrado", "virus detectado", "vírus", "virus trovato", "virus rilevato", "virus aangetroffen", "virus hittades", "вирус", "обнаружен вирус", "wirus", "ウイルス", "ウィルス", "病毒", "바이러스", "banned file", "banned content", "banned name", "malware",
    "scanmail message", "interscan nt alert", "antigen found", "mailscanner", "e-mail viruses", "email viruses", "mail virus", "norton antivirus detected", "symantec mail security", "attachment removed", "attachment blocked", "blocked attachment", "file blocked", "worm", "virus checker", "anti-virus", "antivirus",
    "content violation", "potentially dangerous", "filter alert", "antivirus notification", "trojan", "sobig", "w32/",
    "virus", "viren", "infizier", "infecté", "infectad", "infett", "besmet", "infiser", "inficer", "groupshield", "webshield", "disinfect", "quarantined", "szkodliw", "vírusos", "заражен", "заражён",
)  # fmt: skip
#: Each of those in ASCII has one of these in it: most subjects name no virus, and these few tell.
VIRUS_HINTS = (
    "irus", "viren", "inf", "besmet", "malware", "banned", "scanmail", "interscan", "antigen", "mailscanner", "symantec", "attachment", "block", "worm",
    "violation", "dangerous", "filter alert", "trojan", "sobig", "w32/", "shield", "quarantined", "szkodliw", "norton",
)  # fmt: skip
VIRUS_PHRASES = (
    "virus", "infected", "malware", "w32/", "w32.", "worm", "trojan", "banned", "вирус", "wirus", "ウイルス", "ウィルス", "病毒", "바이러스", "vírus",
    "viren", "infizier", "infecté", "infectad", "infett", "besmet", "заражен", "заражён",
)  # fmt: skip
#: Where a warning speaks to the presumed sender; a newsletter about viruses does not.
VIRUS_ADDRESS = (
    "you sent", "attachment you", "your message", "your email", "your e-mail", "your mail", "from you", "sender", "originator", "mail from you", "von ihnen", "sie haben", "ihre nachricht", "ihrer nachricht", "ihrer mail", "ihrer e-mail", "ihre e-mail", "ihre mail", "votre message", "vous avez", "su mensaje", "enviado por", "su correo", "sua mensagem", "suo messaggio",
    "inviato", "uw bericht", "du har", "ваше", "отправ", "wiadomo", "absender", "expéditeur", "mittente", "remitente", "remetente", "送信", "发件人", "寄件", "보낸",
    "you have sent", "message from you", "sent by you", "your attachment", "que vous", "ihr anhang", "sua mensagem", "você enviou", "usted envió", "hai inviato", "da lei inviat", "du skickade", "ваше сообщение", "ваше письмо", "вами", "nadawc", "odesílatel", "feladó", "gönderen",
)  # fmt: skip

#: What list managers say of a post that a moderator has to pass.
HELD_PHRASES = (
    "is being held until", "awaits moderator approval", "being held for moderation", "waiting for moderator", "wurde zurückgehalten", "wird zurückgehalten", "en attente d'approbation", "a été mis en attente",
    "retenido hasta", "in attesa di approvazione", "wordt vastgehouden", "väntar på", "moderator",
)  # fmt: skip

#: Of fewer, those in ASCII are not told apart.
_MANY = 20


def any_of(needles: Iterable[str], haystack: str) -> bool:
    """Say whether one of *needles* stands in *haystack*."""
    if haystack.isascii() and isinstance(needles, tuple) and len(needles) >= _MANY:
        needles = in_ascii(needles)
    # A loop: a generator takes twice the time.
    for needle in needles:  # noqa: SIM110
        if needle in haystack:
            return True
    return False


def first_of(needles: Iterable[str], haystack: str) -> int | None:
    """Return where the first of *needles* stands in *haystack*, or None."""
    return min((at for needle in needles if (at := haystack.find(needle)) >= 0), default=None)


@lru_cache(maxsize=64)
def in_ascii(needles: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of *needles* that text in ASCII, as most of it is, can hold: half of them."""
    return tuple([needle for needle in needles if needle.isascii()])
